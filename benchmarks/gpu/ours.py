"""The compiled side of the GPU benchmark: surface.cpp by ctypes."""

import ctypes
import os
import tempfile

import torch


class Ours:
    """A case at work."""

    def __init__(self, library, case, batch):
        self.library = library
        self.handle = library.gpu_open(case.encode(), batch)
        if not self.handle:
            raise RuntimeError(library.gpu_said().decode())

    def milliseconds(self, times):
        taken = self.library.gpu_time(self.handle, times)
        if taken < 0:
            raise RuntimeError(self.library.gpu_said().decode())
        return taken

    def check(self):
        """State by torch's names, views (n, 3, H, W), places of the patches or None, and the loss that we found."""
        from safetensors.torch import load_file

        loss, views, places = ctypes.c_double(), ctypes.c_size_t(), ctypes.c_size_t()
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "weights.safetensors")
            if not self.library.gpu_check(self.handle, file.encode(), *map(ctypes.byref, (loss, views, places))):
                raise RuntimeError(self.library.gpu_said().decode())
            state = load_file(file)
        seen = torch.tensor(self.library.gpu_views(self.handle)[: views.value])
        restore = torch.tensor(self.library.gpu_restore(self.handle)[: places.value], dtype=torch.long)
        return state, seen, restore, loss.value

    def close(self):
        if self.handle:
            self.library.gpu_close(self.handle)
        self.handle = None


def load(path):
    library = ctypes.CDLL(path)
    library.gpu_said.restype = library.gpu_case.restype = ctypes.c_char_p
    library.gpu_open.restype, library.gpu_open.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_size_t]
    library.gpu_close.argtypes = [ctypes.c_void_p]
    library.gpu_time.restype, library.gpu_time.argtypes = ctypes.c_double, [ctypes.c_void_p, ctypes.c_int]
    library.gpu_check.argtypes = [ctypes.c_void_p, ctypes.c_char_p] + 3 * [ctypes.c_void_p]
    for function, number in ((library.gpu_views, ctypes.c_float), (library.gpu_restore, ctypes.c_uint32)):
        function.restype, function.argtypes = ctypes.POINTER(number), [ctypes.c_void_p]
    return library
