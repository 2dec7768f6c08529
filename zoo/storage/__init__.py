"""Folders on object stores: `s3://`, `gs://` and the other file systems of fsspec.

An object store writes one object whole or not at all, but it renames no folder. So a folder is
stored as

```
zoo-manifest.json                  names, sizes and digests of all files; written last
zoo-objects/DIGEST/NAME            the files; an object is never overwritten by other content
zoo.lock                           exists while a process writes
```

A reader takes the files that the manifest names, and so it gets the old folder or the new one.
"""
