/* Calls send() on many sockets in one loop, without the interpreter between two calls.

   Optional: where it is not compiled, hub/direct_send.py does the same in Python. The loop releases the
   interpreter's lock once: other threads run while the kernel copies. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <string.h>

enum { PARTS_AT_ONCE = 64, MOST_FD = 1 << 24 };

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

struct job { int fd; const char *data; Py_ssize_t size, taken; };

static void run(struct job *jobs, Py_ssize_t count)
{
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i++) {
        ssize_t sent = send(jobs[i].fd, jobs[i].data, (size_t)jobs[i].size, MSG_DONTWAIT | MSG_NOSIGNAL);
        jobs[i].taken = sent < 0 ? 0 : sent;  /* full or closed: the write of the rest finds out which */
    }
    Py_END_ALLOW_THREADS
}

static PyObject *rests(struct job *jobs, Py_ssize_t count)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        if (jobs[i].taken == jobs[i].size)
            continue;
        PyObject *rest = Py_BuildValue("(iy#)", jobs[i].fd, jobs[i].data + jobs[i].taken,
                                       jobs[i].size - jobs[i].taken);
        if (rest == NULL || PyList_Append(list, rest) < 0)
            Py_CLEAR(list);
        Py_XDECREF(rest);
    }
    return list;
}

/* (fds: dict whose keys are descriptors, chunk) -> [(fd, rest), ...] */
static PyObject *send_same(PyObject *self, PyObject *args)
{
    PyObject *fds, *key, *value, *list = NULL;
    const char *data;
    Py_ssize_t size, at = 0, count = 0;
    if (!PyArg_ParseTuple(args, "O!y#", &PyDict_Type, &fds, &data, &size))
        return NULL;
    struct job *jobs = PyMem_New(struct job, PyDict_GET_SIZE(fds) + 1);
    if (jobs == NULL)
        return PyErr_NoMemory();
    while (PyDict_Next(fds, &at, &key, &value))
        jobs[count++] = (struct job){(int)PyLong_AsLong(key), data, size, 0};
    if (!PyErr_Occurred()) {
        run(jobs, count);
        list = rests(jobs, count);
    }
    PyMem_Free(jobs);
    return list;
}

/* The chunks that one socket gets in one turn of the loop, in order, as a linked list. */
struct part { const char *data; Py_ssize_t size; Py_ssize_t next; };
struct chain { int fd; Py_ssize_t first, last, size, taken; };

static void send_chain(struct chain *chain, const struct part *parts)
{
    Py_ssize_t at = chain->first;
    while (at >= 0) {
        struct iovec vector[PARTS_AT_ONCE];
        struct msghdr message = {.msg_iov = vector};
        Py_ssize_t size = 0;
        for (; at >= 0 && message.msg_iovlen < PARTS_AT_ONCE; at = parts[at].next) {
            vector[message.msg_iovlen++] = (struct iovec){(void *)parts[at].data, (size_t)parts[at].size};
            size += parts[at].size;
        }
        ssize_t sent = sendmsg(chain->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        chain->taken += sent < 0 ? 0 : sent;
        if (sent != size)
            return;
    }
}

static PyObject *rest_of(const struct chain *chain, const struct part *parts)
{
    PyObject *rest = PyBytes_FromStringAndSize(NULL, chain->size - chain->taken);
    if (rest == NULL)
        return NULL;
    char *out = PyBytes_AS_STRING(rest);
    Py_ssize_t skip = chain->taken;
    for (Py_ssize_t at = chain->first; at >= 0; at = parts[at].next) {
        Py_ssize_t past = skip < parts[at].size ? skip : parts[at].size;
        memcpy(out, parts[at].data + past, (size_t)(parts[at].size - past));
        out += parts[at].size - past;
        skip -= past;
    }
    return Py_BuildValue("(iN)", chain->fd, rest);
}

/* Link the chunks of each socket. A socket with a queue gets the chunk at the queue's end, to keep the order.
   Return the number of sockets, or -1 on an error. */
static Py_ssize_t chain_up(PyObject *turn, struct part *parts, struct chain *chains, Py_ssize_t *of_fd, long most)
{
    Py_ssize_t count = 0, used = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(turn); i++) {
        PyObject *pair = PyList_GET_ITEM(turn, i), *chunk = PyTuple_GET_ITEM(pair, 1), *key, *queue;
        Py_ssize_t at = 0;
        while (PyDict_Next(PyTuple_GET_ITEM(pair, 0), &at, &key, &queue)) {
            if (PyList_GET_SIZE(queue) > 0) {
                if (PyList_Append(queue, chunk) < 0)
                    return -1;
                continue;
            }
            long fd = PyLong_AsLong(key);
            if (fd < 0 || fd > most)
                continue;
            parts[used] = (struct part){PyBytes_AS_STRING(chunk), PyBytes_GET_SIZE(chunk), -1};
            if (of_fd[fd] < 0) {
                of_fd[fd] = count;
                chains[count++] = (struct chain){(int)fd, used, used, 0, 0};
            }
            struct chain *chain = &chains[of_fd[fd]];
            if (chain->last != used)
                parts[chain->last].next = used;
            chain->last = used;
            chain->size += parts[used++].size;
        }
    }
    return count;
}

/* Check the types. Return the most parts that the turn can have; set its greatest descriptor. */
static Py_ssize_t measure(PyObject *turn, long *most)
{
    Py_ssize_t total = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(turn); i++) {
        PyObject *pair = PyList_GET_ITEM(turn, i), *key, *queue;
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2 || !PyDict_Check(PyTuple_GET_ITEM(pair, 0)) ||
            !PyBytes_Check(PyTuple_GET_ITEM(pair, 1))) {
            PyErr_SetString(PyExc_TypeError, "a turn is a list of (queues by descriptor, bytes)");
            return -1;
        }
        Py_ssize_t at = 0;
        while (PyDict_Next(PyTuple_GET_ITEM(pair, 0), &at, &key, &queue)) {
            long fd = PyLong_AsLong(key);
            if (!PyList_Check(queue) || (fd == -1 && PyErr_Occurred())) {
                PyErr_SetString(PyExc_TypeError, "queues by descriptor are lists by integers");
                return -1;
            }
            if (fd > *most)
                *most = fd;
            total++;
        }
    }
    return total;
}

/* (turn: list of (queues by descriptor, chunk)) -> [(fd, rest), ...] */
static PyObject *send_turn(PyObject *self, PyObject *turn)
{
    long most = -1;
    if (!PyList_Check(turn)) {
        PyErr_SetString(PyExc_TypeError, "a turn is a list");
        return NULL;
    }
    Py_ssize_t total = measure(turn, &most), count = -1;
    if (total < 0)
        return NULL;
    if (most > MOST_FD) {
        PyErr_SetString(PyExc_OverflowError, "no such descriptor");
        return NULL;
    }
    struct part *parts = PyMem_New(struct part, total + 1);
    struct chain *chains = PyMem_New(struct chain, total + 1);
    Py_ssize_t *of_fd = PyMem_New(Py_ssize_t, most + 2);
    PyObject *list = NULL;
    if (parts == NULL || chains == NULL || of_fd == NULL)
        PyErr_NoMemory();
    else {
        memset(of_fd, -1, sizeof(Py_ssize_t) * (size_t)(most + 2));
        count = chain_up(turn, parts, chains, of_fd, most);
    }
    if (count >= 0) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++)
            send_chain(&chains[i], parts);
        Py_END_ALLOW_THREADS
        list = PyList_New(0);
        for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
            if (chains[i].taken == chains[i].size)
                continue;
            PyObject *rest = rest_of(&chains[i], parts);
            if (rest == NULL || PyList_Append(list, rest) < 0)
                Py_CLEAR(list);
            Py_XDECREF(rest);
        }
    }
    PyMem_Free(parts);
    PyMem_Free(chains);
    PyMem_Free(of_fd);
    return list;
}

static PyMethodDef methods[] = {
    {"send_same", send_same, METH_VARARGS, "Write the chunk to each; return who did not take it whole, and the rest."},
    {"send_turn", send_turn, METH_O, "Write each its chunks in one write; return who did not take all, and the rest."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "sendloop", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_sendloop(void)
{
    return PyModule_Create(&module);
}
