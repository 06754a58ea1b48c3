"""What an engine is, what it reads, and what it gives back.

An engine reads blobs of one immutable tree and yields results: plain dataclasses that serialise to JSON with
`orjson.dumps`. It never sees a Django model, a path of the host (but its own scratch folder), or a secret.
"""
