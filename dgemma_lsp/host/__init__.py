"""The engine host: the process that keeps one model resident, and what a front end needs to talk to it.

Front ends import `client`, `wire` and `spawn`, which leave torch, transformers, starlette and uvicorn alone.
"""
