"""What people decide about findings: one module per use case, each the only writer of what it changes.

Every function takes ids of findings (at most 1,000), does what it can in one transaction, leaves a FindingAction for each
finding that it changed and one event a project, and returns an Outcome that names what it skipped and why. Who may do it
is the caller's to check: `bulk.permitted`.
"""
