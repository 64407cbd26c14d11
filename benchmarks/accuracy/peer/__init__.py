"""Code that the PyTorch peers of pretext's programs share: data, views, networks, schedules and evaluation."""
