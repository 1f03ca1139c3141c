"""The door: nothing reaches the outside world except through here.

`door.py` makes the context that a plugin is handed; `ledger.py` writes down every change of the world before and after;
`http.py` and `smtp.py` carry the bytes under one deadline, with a last check directly before they leave.
"""
