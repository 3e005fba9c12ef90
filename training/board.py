"""TensorBoard's writer without TensorFlow.

Where TensorFlow is installed, TensorBoard imports it to write its files, which takes ten seconds
and 600 MB, and Triton (which torch imports) crashes in a process that holds it. Its own switch
against that is a module called notf.
"""

import sys
from types import ModuleType

sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))

from torch.utils.tensorboard import SummaryWriter  # noqa: E402

__all__ = ["SummaryWriter"]
