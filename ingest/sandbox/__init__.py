"""A stranger's recording is opened here, by FFmpeg in a process of its own that can do nothing else.

`worker.py` runs in the server and starts the process; `entry.py` is what runs in it; `messages.py` is all they say to
each other. Decision 6 says why.
"""
