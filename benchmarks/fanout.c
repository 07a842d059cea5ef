/* The floor of fan-out: a bare loop of send() over the connections that asked for a symbol.

   usage: fanout PORT SYMBOLS BURSTS_A_SECOND WIDTH DEPTH
   Every burst publishes DEPTH messages for each of WIDTH symbols (the next ones, round and round). */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FILES = 1 << 17, MAX_SYMBOLS = 1000, REQUEST = 4096 };

struct topic { int *fds, count, room; long seq; };
struct peer { int open, upgraded; size_t have; uint8_t *data; };

static struct topic topics[MAX_SYMBOLS];
static struct peer *peers[MAX_FILES];
static int symbols, width, depth, next_symbol;

static long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static size_t ticker(uint8_t *out, int symbol)
{
    char text[600];
    long now = now_us(), seq = ++topics[symbol].seq, move = seq % 1000;
    size_t size = (size_t)snprintf(text, sizeof text,
        "{\"channel\":\"ticker\",\"epoch\":\"01234567-1\",\"seq\":%ld,\"ts\":%ld,\"recv\":%ld,\"sent\":%ld,"
        "\"symbol\":\"S%03d-USDT\",\"bid\":\"64250.%03ld\",\"bid_size\":\"1.2345\",\"ask\":\"64251.%03ld\","
        "\"ask_size\":\"2.3456\",\"last\":\"64250.500\",\"last_size\":\"0.1234\",\"open\":\"64250.500\","
        "\"high\":\"64250.500\",\"low\":\"64250.500\",\"volume\":\"0.1234\",\"quote_volume\":\"7928.5117000\","
        "\"change\":\"0.000\"}", seq, now, now, now, symbol, move, move);
    size_t head = frame_head(out, TEXT, size);
    memcpy(out + head, text, size);
    return head + size;
}

static void forget(int fd)
{
    for (int s = 0; s < symbols; s++)
        for (int i = 0; i < topics[s].count; i++)
            if (topics[s].fds[i] == fd) topics[s].fds[i] = topics[s].fds[--topics[s].count];
    free(peers[fd]->data), free(peers[fd]), peers[fd] = NULL;
    close(fd);
}

static void publish(int symbol)
{
    uint8_t frame[640];
    struct topic *t = &topics[symbol];
    size_t size = ticker(frame, symbol);
    for (int i = 0; i < t->count; i++)
        send(t->fds[i], frame, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void burst(void)
{
    for (int i = 0; i < width; i++, next_symbol = (next_symbol + 1) % symbols)
        for (int j = 0; j < depth; j++) publish(next_symbol);
}

/* Subscribe to every symbol that the request names: S000-USDT, S001-USDT, ... */
static void subscribe(int fd, const char *request)
{
    uint8_t reply[64];
    static const char text[] = "{\"status\":\"subscribed\"}";
    for (const char *at = request; (at = strstr(at, "\"S")); at += 2) {
        int symbol = atoi(at + 2);
        if (symbol >= symbols || at[2] < '0' || at[2] > '9') continue;
        struct topic *t = &topics[symbol];
        if (t->count == t->room) t->fds = realloc(t->fds, (t->room = t->room * 2 + 64) * sizeof *t->fds);
        t->fds[t->count++] = fd;
    }
    size_t head = frame_head(reply, TEXT, sizeof text - 1);
    memcpy(reply + head, text, sizeof text - 1);
    send(fd, reply, head + sizeof text - 1, MSG_NOSIGNAL);
}

static int frames(int fd, struct peer *p)
{
    size_t size, used;
    uint8_t *payload;
    int opcode;
    while ((used = client_frame(p->data, p->have, &opcode, &payload, &size))) {
        char text[REQUEST];
        if (opcode == CLOSE) return 0;
        memcpy(text, payload, size), text[size] = 0;
        if (opcode == TEXT) subscribe(fd, text);
        memmove(p->data, p->data + used, p->have -= used);
    }
    return 1;
}

static int readable(int fd, struct peer *p)
{
    ssize_t got = recv(fd, p->data + p->have, REQUEST - 1 - p->have, 0);
    if (got <= 0) return 0;
    p->data[p->have += (size_t)got] = 0;
    if (p->upgraded) return frames(fd, p);
    if (!strstr((char *)p->data, "\r\n\r\n")) return 1;
    p->have = 0, p->upgraded = 1;
    return upgrade(fd, (char *)p->data);
}

static void welcome(int poll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peers[fd] = calloc(1, sizeof **peers);
    peers[fd]->data = malloc(REQUEST);
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

int main(int argc, char **argv)
{
    if (argc != 6) return fprintf(stderr, "usage: fanout PORT SYMBOLS BURSTS_A_SECOND WIDTH DEPTH\n"), 2;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    symbols = atoi(argv[2]), width = atoi(argv[4]), depth = atoi(argv[5]);
    long pause = (long)(1e9 / atof(argv[3]));
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files), files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);

    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, poll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 2048)) return perror("bind"), 1;
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct timespec each = {pause / 1000000000, pause % 1000000000};
    timerfd_settime(timer, 0, &(struct itimerspec){each, each}, NULL);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    epoll_ctl(poll, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.fd = timer});

    for (;;) {
        struct epoll_event ready[256];
        int count = epoll_wait(poll, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            uint64_t ticks;
            if (fd == listener) welcome(poll, fd);
            else if (fd != timer) {
                if (peers[fd] && !readable(fd, peers[fd])) forget(fd);
            } else if (read(timer, &ticks, sizeof ticks) == sizeof ticks)
                while (ticks--) burst();
        }
    }
}
