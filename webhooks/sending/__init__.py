"""Sending what is due: claimed under a lease, posted outside of any transaction, recorded under the lease's token."""
