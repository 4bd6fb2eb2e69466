"""Sound and moving pictures: containers that say inside what they hold, and streams of frames."""

from collections.abc import Callable

#: The brand that a file names first, where it says more than that the file is an MP4.
MAJOR_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
    b"F4A ": "audio/mp4",
    b"crx ": "image/x-canon-cr3",
}
#: How the names of brands begin, by standards of which each has many.
BRAND_STARTS = {b"3g2": "video/3gpp2", b"3gp": "video/3gpp"}
MP4_BRANDS = {
    *(b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"iso8", b"mp41", b"mp42", b"avc1", b"M4V "),
    *(b"dash", b"msdh", b"f4v ", b"MSNV", b"mmp4", b"hvc1"),
}
#: A QuickTime file of before 2001 begins with any of these boxes.
OLD_QUICKTIME = {b"moov", b"mdat", b"wide", b"pnot", b"free", b"skip"}
#: How the first packet of an Ogg stream begins (RFC 5334, section 4).
OGG_CODECS = {
    b"\x01vorbis": "audio/ogg",
    b"OpusHead": "audio/ogg",
    b"\x7fFLAC": "audio/ogg",
    b"Speex   ": "audio/ogg",
    b"\x80theora": "video/ogg",
    b"BBCD\0": "video/ogg",
}
FIRST_OGG_PACKET = 28
DOC_TYPE = b"\x42\x82"
MPEG_TS_PACKET_BYTES = 188
#: Kilobits a second of layer III, by the index in a frame's header: MPEG 1, then MPEG 2 and 2.5.
BITRATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
AAC_LEAST_FRAME_BYTES = 7


def brands_of(head: bytes) -> list[bytes]:
    """Return the brands of a file in ISO's base media format, the major one first (ISO/IEC 14496-12, 4.3)."""
    if head[4:8] != b"ftyp":
        return []
    box = head[: max(16, int.from_bytes(head[:4], "big"))]
    return [box[8:12], *(box[at : at + 4] for at in range(16, len(box) - 3, 4))]


def has_brand(*names: bytes) -> Callable[[bytes], bool]:
    """Return a look at the brands of a file."""
    return lambda head: not set(brands_of(head)).isdisjoint(names)


def iso_media(head: bytes) -> str | None:
    """Return the type of a film or a sound in ISO's base media format, or in QuickTime's older one."""
    brands = brands_of(head)
    if not brands:
        is_old = head[4:8] in OLD_QUICKTIME and head[0] < ord(" ")
        return "video/quicktime" if is_old else None
    if named := MAJOR_BRANDS.get(brands[0]) or BRAND_STARTS.get(brands[0][:3]):
        return named
    if b"qt  " in brands:
        return "video/quicktime"
    return None if MP4_BRANDS.isdisjoint(brands) else "video/mp4"


def ogg(head: bytes) -> str | None:
    if not head.startswith(b"OggS\0"):
        return None
    packet = head[FIRST_OGG_PACKET : FIRST_OGG_PACKET + 8]
    return next((named for start, named in OGG_CODECS.items() if packet.startswith(start)), "application/ogg")


def matroska(head: bytes) -> str | None:
    """Return what the header of an EBML file says that it is (RFC 8794, section 11.2.4)."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    at = head.find(DOC_TYPE, 4, 64)
    name = head[at + 3 : at + 3 + (head[at + 2] & 0x7F)] if 0 <= at < len(head) - 3 else b""
    return {b"webm": "video/webm", b"matroska": "video/x-matroska"}.get(name.rstrip(b"\0"))


def mpeg_audio(head: bytes) -> str | None:
    """Return the type of MP3 or AAC: by the tag before it, or by two frames that follow each other."""
    if head[:3] == b"ID3" and head[3:4] in (b"\2", b"\3", b"\4") and len(head) > 9:
        return "audio/mpeg" if max(head[6:10]) < 0x80 else None
    for named, frame_bytes in (("audio/mpeg", _mp3_frame_bytes), ("audio/aac", _aac_frame_bytes)):
        length = frame_bytes(head)
        if length and frame_bytes(head[length : length + 8]):
            return named
    return None


def _mp3_frame_bytes(head: bytes) -> int:
    """Return the length of the frame of layer III that begins here, or 0 (ISO/IEC 11172-3, 2.4.1)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, rate, bitrate = head[1] >> 3 & 3, head[2] >> 2 & 3, head[2] >> 4
    if version not in SAMPLE_RATES or rate == 3 or bitrate in (0, 15):
        return 0
    is_first = version == 3
    kilobits = BITRATES[0 if is_first else 1][bitrate]
    return (144 if is_first else 72) * kilobits * 1000 // SAMPLE_RATES[version][rate] + (head[2] >> 1 & 1)


def _aac_frame_bytes(head: bytes) -> int:
    """Return the length of the ADTS frame that begins here, or 0 (ISO/IEC 14496-3, 1.A.2)."""
    if len(head) < AAC_LEAST_FRAME_BYTES or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > AAC_LEAST_FRAME_BYTES else 0


def mpeg_transport_stream(head: bytes) -> str | None:
    marks = head[: 4 * MPEG_TS_PACKET_BYTES : MPEG_TS_PACKET_BYTES]
    return "video/mp2t" if marks == b"GGGG" else None
