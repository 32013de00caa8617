"""SM2 by the system's OpenSSL 3, through ctypes: the `cryptography` package does not have the curve.

OpenSSL speaks DER, the protocol fixed bytes; what goes between is written here, strictly in both directions. Keys are
parsed once and kept. Calls run without the interpreter's lock; a key may be used by several threads at once.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import lru_cache
from typing import Any, TypeVar

from sync.kernel.guomi import ORDER, SIGNER_ID
from sync.kernel.outcome import Unavailable

LIBRARY = "libcrypto.so.3"
LIBRARY_VARIABLE = "WAYSTATION_LIBCRYPTO"
"""Names another library with the functions of OpenSSL 3, such as a certified one."""

Made = TypeVar("Made")

_KEYS_CACHED = 4096
_NUMBER_BYTES = 32
_ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")  # an EC key on the curve of SM2
_SPKI = bytes.fromhex("3059") + _ALGORITHM + bytes.fromhex("03420004")
_PKCS8 = bytes.fromhex("3041020100") + _ALGORITHM + bytes.fromhex("042730250201010420")


class _Key:
    """A parsed key of the library's, let go with this object."""

    def __init__(self, lib: ctypes.CDLL, pointer: int) -> None:
        self._lib = lib
        self.pointer = pointer

    def __del__(self) -> None:
        self._lib.EVP_PKEY_free(self.pointer)


class Libcrypto:
    """`sync.kernel.guomi.Sm2` by OpenSSL."""

    def __init__(self, name: str) -> None:
        """Raises Unavailable `suite.library` when there is no such library or it lacks what SM2 takes."""
        try:
            self._lib = ctypes.CDLL(name)
            _declare(self._lib)
        except (OSError, AttributeError) as why:
            raise Unavailable("suite.library", 0.0) from why
        self._sm3 = self._lib.EVP_sm3()
        self._public = lru_cache(_KEYS_CACHED)(self._parse_public)
        self._private = lru_cache(16)(self._parse_private)

    def public_of(self, private: bytes) -> bytes:
        key, out = self._private(private), c_void_p()
        assert key is not None, "no private key of SM2"
        size = self._lib.i2d_PUBKEY(key.pointer, byref(out))
        try:
            der = ctypes.string_at(out, max(size, 0))
        finally:
            self._lib.CRYPTO_free(out, None, 0)
        assert der.startswith(_SPKI) and len(der) == len(_SPKI) + 2 * _NUMBER_BYTES
        return der[len(_SPKI) :]

    def sign(self, private: bytes, data: bytes) -> bytes:
        key = self._private(private)
        assert key is not None, "no private key of SM2"

        def made(context: int) -> bytes:
            size = c_size_t()
            self._must(self._lib.EVP_DigestSign(context, None, byref(size), data, len(data)))
            out = ctypes.create_string_buffer(size.value)
            self._must(self._lib.EVP_DigestSign(context, out, byref(size), data, len(data)))
            return out.raw[: size.value]

        numbers, end = _integers(self._digesting(key, self._lib.EVP_DigestSignInit, made), 2)
        assert end == b""
        return b"".join(numbers)

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        key = self._public(public)
        if key is None or len(signature) != 2 * _NUMBER_BYTES:
            return False
        halves = signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]
        if not all(1 <= int.from_bytes(half, "big") < ORDER for half in halves):
            return False
        der = _sequence(b"".join(map(_integer, halves)))

        def holds(context: int) -> bool:
            return bool(self._lib.EVP_DigestVerify(context, der, len(der), data, len(data)) == 1)

        return self._digesting(key, self._lib.EVP_DigestVerifyInit, holds)

    def encrypt(self, public: bytes, data: bytes) -> bytes:
        key = self._public(public)
        assert key is not None, "no point of the SM2 curve"
        der = self._crypt(key, self._lib.EVP_PKEY_encrypt_init, self._lib.EVP_PKEY_encrypt, data)
        assert der is not None
        numbers, rest = _integers(der, 2)
        check, rest = _octets(rest)
        text, rest = _octets(rest)
        assert (len(check), rest) == (32, b"")
        return b"".join(numbers) + check + text

    def decrypt(self, private: bytes, data: bytes) -> bytes | None:
        key = self._private(private)
        if key is None or len(data) <= 96:
            return None
        point = _integer(data[:32]) + _integer(data[32:64])
        der = _sequence(point + _tagged(0x04, data[64:96]) + _tagged(0x04, data[96:]))
        return self._crypt(key, self._lib.EVP_PKEY_decrypt_init, self._lib.EVP_PKEY_decrypt, der)

    def _parse_public(self, public: bytes) -> _Key | None:
        if len(public) != 2 * _NUMBER_BYTES:
            return None
        return self._parsed(self._lib.d2i_PUBKEY, _SPKI + public)

    def _parse_private(self, private: bytes) -> _Key | None:
        if len(private) != _NUMBER_BYTES or not 1 <= int.from_bytes(private, "big") <= ORDER - 2:
            return None
        return self._parsed(self._lib.d2i_AutoPrivateKey, _PKCS8 + private)

    def _parsed(self, parse: Callable[..., Any], der: bytes) -> _Key | None:
        pointer = parse(None, byref(c_char_p(der)), len(der))
        if not pointer:
            self._lib.ERR_clear_error()
            return None
        key = _Key(self._lib, pointer)
        return key if self._lib.EVP_PKEY_is_a(pointer, b"SM2") == 1 else None

    def _digesting(self, key: _Key, begin: Callable[..., Any], then: Callable[[int], Made]) -> Made:
        """What `then` makes of a digest context that is set up for SM2 with SM3 and the signer's id."""
        lib = self._lib
        context = lib.EVP_MD_CTX_new()
        inner = lib.EVP_PKEY_CTX_new(key.pointer, None)
        try:
            self._must(bool(context and inner) and lib.EVP_PKEY_CTX_set1_id(inner, SIGNER_ID, len(SIGNER_ID)))
            lib.EVP_MD_CTX_set_pkey_ctx(context, inner)
            self._must(begin(context, None, self._sm3, None, key.pointer))
            return then(context)
        finally:
            lib.EVP_MD_CTX_free(context)
            lib.EVP_PKEY_CTX_free(inner)
            lib.ERR_clear_error()

    def _crypt(self, key: _Key, begin: Callable[..., Any], run: Callable[..., Any], data: bytes) -> bytes | None:
        lib, size = self._lib, c_size_t()
        context = lib.EVP_PKEY_CTX_new(key.pointer, None)
        try:
            self._must(bool(context) and begin(context))
            if run(context, None, byref(size), data, len(data)) != 1:
                return None
            out = ctypes.create_string_buffer(size.value)
            if run(context, out, byref(size), data, len(data)) != 1:
                return None
            return out.raw[: size.value]
        finally:
            lib.EVP_PKEY_CTX_free(context)
            lib.ERR_clear_error()

    def _must(self, answer: int) -> None:
        if answer != 1:
            raise Unavailable("suite.library", 0.0)


def named() -> str:
    """The library that the environment names, or the system's."""
    return os.environ.get(LIBRARY_VARIABLE) or LIBRARY


def _declare(lib: ctypes.CDLL) -> None:
    der = (c_void_p, POINTER(c_char_p), c_long)
    data = (c_char_p, c_size_t)
    out = (c_char_p, POINTER(c_size_t))
    for name, answer, arguments in (
        ("EVP_sm3", c_void_p, ()),
        ("d2i_PUBKEY", c_void_p, der),
        ("d2i_AutoPrivateKey", c_void_p, der),
        ("i2d_PUBKEY", c_int, (c_void_p, POINTER(c_void_p))),
        ("CRYPTO_free", None, (c_void_p, c_char_p, c_int)),
        ("EVP_PKEY_free", None, (c_void_p,)),
        ("EVP_PKEY_is_a", c_int, (c_void_p, c_char_p)),
        ("EVP_PKEY_CTX_new", c_void_p, (c_void_p, c_void_p)),
        ("EVP_PKEY_CTX_free", None, (c_void_p,)),
        ("EVP_PKEY_CTX_set1_id", c_int, (c_void_p, c_char_p, c_int)),
        ("EVP_MD_CTX_new", c_void_p, ()),
        ("EVP_MD_CTX_free", None, (c_void_p,)),
        ("EVP_MD_CTX_set_pkey_ctx", None, (c_void_p, c_void_p)),
        ("EVP_DigestSignInit", c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
        ("EVP_DigestVerifyInit", c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
        ("EVP_DigestSign", c_int, (c_void_p, *out, *data)),
        ("EVP_DigestVerify", c_int, (c_void_p, *data, *data)),
        ("EVP_PKEY_encrypt_init", c_int, (c_void_p,)),
        ("EVP_PKEY_encrypt", c_int, (c_void_p, *out, *data)),
        ("EVP_PKEY_decrypt_init", c_int, (c_void_p,)),
        ("EVP_PKEY_decrypt", c_int, (c_void_p, *out, *data)),
        ("ERR_clear_error", None, ()),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = answer, arguments


def _tagged(tag: int, data: bytes) -> bytes:
    size = len(data)
    if size < 0x80:
        return bytes((tag, size)) + data
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + data


def _sequence(data: bytes) -> bytes:
    return _tagged(0x30, data)


def _integer(number: bytes) -> bytes:
    short = number.lstrip(b"\0") or b"\0"
    return _tagged(0x02, (b"\0" if short[0] & 0x80 else b"") + short)


def _untagged(tag: int, der: bytes) -> tuple[bytes, bytes]:
    """(content, rest) of one element that the library wrote; its lengths are below 64 KiB."""
    assert der[0] == tag
    size, at = der[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(der[2:at], "big")
    assert len(der) >= at + size
    return der[at : at + size], der[at + size :]


def _integers(der: bytes, count: int) -> tuple[list[bytes], bytes]:
    """The first `count` integers in a sequence, 32 bytes each, and what follows them there."""
    rest, end = _untagged(0x30, der)
    assert end == b""
    numbers = []
    for _ in range(count):
        number, rest = _untagged(0x02, rest)
        numbers.append(int.from_bytes(number, "big").to_bytes(_NUMBER_BYTES, "big"))
    return numbers, rest


def _octets(der: bytes) -> tuple[bytes, bytes]:
    return _untagged(0x04, der)
