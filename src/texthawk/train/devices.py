"""Devices that training is planned for: peak of the matrix unit in 16-bit numbers without sparsity, and memory."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """teraflops: 10^12 operations a second in bfloat16 (float16 on Ascend), as the maker states it; gigabytes: 10^9."""

    name: str
    teraflops: float
    gigabytes: float

    def __post_init__(self) -> None:
        if not (0 < self.teraflops < math.inf and 0 < self.gigabytes < math.inf):
            raise ValueError(f"device {self.name!r}: {self.teraflops} TFLOPs and {self.gigabytes} GB; both are above 0")


DEVICES = {
    device.name: device
    for device in (
        Device("a100", 312, 80),
        Device("h100", 989, 80),
        Device("h800", 989, 80),
        Device("h200", 989, 141),
        Device("910b", 376, 64),
    )
}


def device_named(text: str) -> Device:
    """One of DEVICES, or any other as `TFLOPS,GB` (for example 312,40); ValueError for anything else."""
    if text.lower() in DEVICES:
        return DEVICES[text.lower()]
    try:
        teraflops, gigabytes = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"device {text!r} is unknown; choose one of {', '.join(DEVICES)}, or give TFLOPs and GB as 312,40"
        ) from None
    return Device(text, teraflops, gigabytes)
