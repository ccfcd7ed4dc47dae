"""Hash passwords without holding anybody up."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
HASHING = ThreadPoolExecutor(2, thread_name_prefix="arena-password")
"""Two hashes at once, 64 MiB each: a crowd that signs in waits its turn and cannot fill the memory."""


async def slowly(fn: Callable[[], T]) -> T:
    """Run a hash in its own thread, when its turn comes."""
    return await asyncio.get_running_loop().run_in_executor(HASHING, fn)
