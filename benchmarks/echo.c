/* The floor of a round trip: a WebSocket echo on a bare epoll loop.

   usage: echo PORT */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_FILES = 1024, BUFFER = 1 << 16 };

struct peer { int upgraded; size_t have; uint8_t data[BUFFER]; };

static struct peer *peers[MAX_FILES];

static int frames(int fd, struct peer *p)
{
    size_t size, used;
    uint8_t *payload, answer[BUFFER];
    int opcode;
    while ((used = client_frame(p->data, p->have, &opcode, &payload, &size))) {
        size_t head = frame_head(answer, opcode, size);
        memcpy(answer + head, payload, size);
        if (opcode == CLOSE || send(fd, answer, head + size, MSG_NOSIGNAL) < 0) return 0;
        memmove(p->data, p->data + used, p->have -= used);
    }
    return 1;
}

static int readable(int fd, struct peer *p)
{
    ssize_t got = recv(fd, p->data + p->have, BUFFER - 16 - p->have, 0);
    if (got <= 0) return 0;
    p->have += (size_t)got;
    if (p->upgraded) return frames(fd, p);
    p->data[p->have] = 0;
    if (!strstr((char *)p->data, "\r\n\r\n")) return 1;
    p->have = 0, p->upgraded = 1;
    return upgrade(fd, (char *)p->data);
}

int main(int argc, char **argv)
{
    if (argc != 2) return fprintf(stderr, "usage: echo PORT\n"), 2;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, poll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 64)) return perror("bind"), 1;
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});

    for (;;) {
        struct epoll_event ready[64];
        int count = epoll_wait(poll, ready, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (fd < 0) continue;
                if (fd >= MAX_FILES) { close(fd); continue; }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                peers[fd] = calloc(1, sizeof **peers);
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
            } else if (!readable(fd, peers[fd])) {
                free(peers[fd]), peers[fd] = NULL;
                close(fd);
            }
        }
    }
}
