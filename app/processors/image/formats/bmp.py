"""BMP: the run lengths RLE4 and RLE8, in which a picture may leave out pixels, rows and its end.

Pillow takes a row that is left out for the end of the one before, and a picture that
ends early for one that is cut off.
"""

from PIL import Image, ImageFile

END_OF_ROW, END_OF_PICTURE, MOVE = 0, 1, 2


class RunLengths(ImageFile.PyDecoder):
    """Pixels that the data leaves out get the first colour of the palette."""

    _pulls_fd = True

    def decode(self, buffer: Image.DecoderInput) -> tuple[int, int]:
        """Raise EOFError if the data ends before the picture does."""
        width, height = self.state.xsize, self.state.ysize
        _, is_four_bits, direction = self.args
        pixels = bytearray(width * height)
        x = y = 0
        while y < height and (y, x) < (height - 1, width):
            count, value = self._read(2)
            if not count and value == END_OF_PICTURE:
                break
            if not count and value == END_OF_ROW:
                x, y = 0, y + 1
            elif not count and value == MOVE:
                right, rows = self._read(2)
                x, y = x + right, y + rows
            else:
                run = self._run(count, value, is_four_bits)
                at, room = y * width + x, max(0, width - x)
                pixels[at : at + min(len(run), room)] = run[:room]
                x += len(run)
        rawmode = "L" if self.mode in ("1", "L") else "P"
        self.set_as_raw(pixels, rawmode, (0, direction))
        return -1, 0

    def _run(self, count: int, value: int, is_four_bits: bool) -> bytes:
        """Return the pixels of a run: one value or two, or as many as `value` says."""
        if count:
            return bytes((value >> 4, value & 15) * count)[:count] if is_four_bits else bytes([value]) * count
        length = (value + 1) // 2 if is_four_bits else value
        packed = self._read(length + length % 2)
        if is_four_bits:
            packed = bytes(half for byte in packed for half in (byte >> 4, byte & 15))
        return packed[:value]

    def _read(self, length: int) -> bytes:
        found = self.fd.read(length) if self.fd else b""
        if len(found) < length:
            raise EOFError("the runs end before the picture")
        return found
