"""pretext's side of the GPU benchmark: c_api.cpp through ctypes."""

import ctypes
import os
import tempfile

import numpy as np
import torch


class Pretext:
    """An instance of a case."""

    def __init__(self, library, case, batch):
        self.library = library
        self.handle = library.gpu_open(case.encode(), batch)
        if not self.handle:
            raise RuntimeError(library.gpu_error().decode())

    def milliseconds(self, times):
        elapsed = self.library.gpu_time(self.handle, times)
        if elapsed < 0:
            raise RuntimeError(self.library.gpu_error().decode())
        return elapsed

    def check(self):
        """The state dict with torch's names, the views and the patches' permutation (both flat), and pretext's loss."""
        from safetensors.torch import load_file

        loss, views, patches = ctypes.c_double(), ctypes.c_size_t(), ctypes.c_size_t()
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "weights.safetensors")
            if not self.library.gpu_check(self.handle, file.encode(), *map(ctypes.byref, (loss, views, patches))):
                raise RuntimeError(self.library.gpu_error().decode())
            state = load_file(file)
        view_values = values_at(self.library.gpu_views(self.handle), views.value)
        restore = values_at(self.library.gpu_restore(self.handle), patches.value).long()
        return state, view_values, restore, loss.value

    def close(self):
        if self.handle:
            self.library.gpu_close(self.handle)
        self.handle = None


def values_at(pointer, count):
    """A copy of an array of C."""
    if count == 0:
        return torch.empty(0)
    values = np.ctypeslib.as_array(pointer, (count,))
    return torch.from_numpy(values.astype(np.int64 if values.dtype.kind == "u" else values.dtype))


def load(path):
    library = ctypes.CDLL(path)
    library.gpu_error.restype = library.gpu_case.restype = library.gpu_convolutions.restype = ctypes.c_char_p
    library.gpu_open.restype, library.gpu_open.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_size_t]
    library.gpu_close.argtypes = [ctypes.c_void_p]
    library.gpu_time.restype, library.gpu_time.argtypes = ctypes.c_double, [ctypes.c_void_p, ctypes.c_int]
    library.gpu_check.argtypes = [ctypes.c_void_p, ctypes.c_char_p] + 3 * [ctypes.c_void_p]
    for function, element in ((library.gpu_views, ctypes.c_float), (library.gpu_restore, ctypes.c_uint32)):
        function.restype, function.argtypes = ctypes.POINTER(element), [ctypes.c_void_p]
    return library
