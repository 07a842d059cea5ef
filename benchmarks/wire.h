/* The least of WebSocket that the C contestants need: the upgrade, and masked frames from clients. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TEXT = 1, CLOSE = 8, PING = 9 };

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
        else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
        else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
        else f = b ^ c ^ d, k = 0xCA62C1D6;
        uint32_t t = rotate(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* SHA-1 of a short text (under 120 bytes), as base64. */
static void sha1_base64(const char *text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t blocks[128] = {0}, digest[21] = {0};
    size_t size = strlen(text), end = size + 9 > 64 ? 128 : 64;
    memcpy(blocks, text, size);
    blocks[size] = 0x80;
    blocks[end - 2] = (uint8_t)(size * 8 >> 8), blocks[end - 1] = (uint8_t)(size * 8);
    for (size_t at = 0; at < end; at += 64) sha1_block(h, blocks + at);
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
    for (int i = 0; i < 21; i += 3) {
        uint32_t v = (uint32_t)digest[i] << 16 | digest[i + 1] << 8 | digest[i + 2];
        for (int j = 0; j < 4; j++) *out++ = digits[v >> (18 - 6 * j) & 63];
    }
    out[-1] = '=', *out = 0;
}

/* Answer the upgrade request in `head`; 0 where it is not one. */
static int upgrade(int fd, const char *head)
{
    char joined[120], accept[32], answer[200];
    const char *key = strcasestr(head, "\r\nsec-websocket-key:");
    if (!key) return 0;
    key += strlen("\r\nsec-websocket-key:");
    key += strspn(key, " ");
    snprintf(joined, sizeof joined, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)strcspn(key, " \r"), key);
    sha1_base64(joined, accept);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    return send(fd, answer, size, MSG_NOSIGNAL) == size;
}

/* Write a server's frame head; returns its size. */
static size_t frame_head(uint8_t *out, int opcode, size_t size)
{
    out[0] = (uint8_t)(0x80 | opcode);
    if (size < 126) return out[1] = (uint8_t)size, 2;
    out[1] = 126, out[2] = (uint8_t)(size >> 8), out[3] = (uint8_t)size;
    return 4;
}

/* Unmask the client's frame at the start of `data` (payloads under 64 KiB) in place.
   Returns the whole frame's size, 0 where it is incomplete. */
static size_t client_frame(uint8_t *data, size_t have, int *opcode, uint8_t **payload, size_t *size)
{
    if (have < 6) return 0;
    size_t at = 2;
    *size = data[1] & 127;
    if (*size == 126) *size = (size_t)data[2] << 8 | data[3], at = 4;
    if (have < at + 4 + *size) return 0;
    const uint8_t *mask = data + at;
    *payload = data + at + 4;
    *opcode = data[0] & 15;
    for (size_t i = 0; i < *size; i++) (*payload)[i] ^= mask[i & 3];
    return at + 4 + *size;
}

#endif
