/* Writes one block of a file and syncs it, in a thread that never needs the interpreter's lock.

   A thread of Python gets the lock when the event loop waits. So a write that such a thread makes begins when the
   loop has nothing to do any more. This one begins at once, and the loop works while the disk does.
   Optional and for Linux: where it is not compiled, storage/intent_file.py writes nothing early. */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCK = 4096, SLICE_NS = 100000, BUSY = -1 };
static const char *NAME = "floorwire.storage.block_writer";

struct writer {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t asked;
    int fd, event_fd;
    int is_asked, is_discarded, is_ended; /* what the thread is asked to do */
    int error;                            /* of the last write: errno, 0, or BUSY */
    char block[BLOCK];
};

/* Let the thread run as soon as it wakes: it only hands a block to the disk, and sleeps until the disk is done.
   Real-time priority needs a right (CAP_SYS_NICE, RLIMIT_RTPRIO). A short slice needs none, and helps less. */
static void hurry(void)
{
    struct sched_param first = {.sched_priority = 1};
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &first) == 0)
        return;
    struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; }
        slice = {.size = 48, .runtime = SLICE_NS};
    syscall(SYS_sched_setattr, 0, &slice, 0);
}

static int write_block(struct writer *writer)
{
    ssize_t written = pwrite(writer->fd, writer->block, BLOCK, 0);
    if (written != BLOCK)
        return written < 0 ? errno : EIO;
    return fdatasync(writer->fd) < 0 ? errno : 0;
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    static const char nothing[BLOCK];
    hurry();
    pthread_mutex_lock(&writer->mutex);
    while (writer->is_asked || writer->is_discarded || !writer->is_ended) {
        if (writer->is_asked) {
            writer->is_asked = 0;
            pthread_mutex_unlock(&writer->mutex);
            int error = write_block(writer);
            pthread_mutex_lock(&writer->mutex);
            writer->error = error;
            uint64_t one = 1;
            if (write(writer->event_fd, &one, sizeof one) < 0) { /* full: the loop wakes anyway */ }
        } else if (writer->is_discarded) { /* not synced: what comes back after a power cut is looked up */
            pthread_mutex_unlock(&writer->mutex);
            if (pwrite(writer->fd, nothing, BLOCK, 0) != BLOCK) { /* the same */ }
            pthread_mutex_lock(&writer->mutex);
            writer->is_discarded = 0; /* only now: no block is taken before */
        } else
            pthread_cond_wait(&writer->asked, &writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

static struct writer *of(PyObject *capsule) { return PyCapsule_GetPointer(capsule, NAME); }

/* (fd, event_fd) -> writer. The eventfd is written when a block is on the disk, or its write failed. */
static PyObject *start(PyObject *self, PyObject *args)
{
    int fd, event_fd, error;
    if (!PyArg_ParseTuple(args, "ii", &fd, &event_fd))
        return NULL;
    struct writer *writer = PyMem_RawCalloc(1, sizeof *writer);
    if (writer == NULL)
        return PyErr_NoMemory();
    writer->fd = fd;
    writer->event_fd = event_fd;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->asked, NULL);
    PyObject *capsule = PyCapsule_New(writer, NAME, NULL);
    sigset_t all, before; /* signals are for the threads of Python */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = capsule == NULL ? 0 : pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        Py_CLEAR(capsule);
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    if (capsule == NULL)
        PyMem_RawFree(writer);
    return capsule;
}

/* (writer, bytes) -> whether the write begins: not while another one is not done, nor for more than a block. */
static PyObject *begin(PyObject *self, PyObject *args)
{
    PyObject *capsule;
    const char *data;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "Oy#", &capsule, &data, &size))
        return NULL;
    struct writer *writer = of(capsule);
    if (writer == NULL)
        return NULL;
    pthread_mutex_lock(&writer->mutex); /* the thread has it for a moment only, and never for the disk */
    int is_free = writer->error != BUSY && !writer->is_discarded && size <= BLOCK;
    if (is_free) {
        memcpy(writer->block, data, (size_t)size);
        memset(writer->block + size, 0, (size_t)(BLOCK - size));
        writer->error = BUSY;
        writer->is_asked = 1;
        pthread_cond_signal(&writer->asked);
    }
    pthread_mutex_unlock(&writer->mutex);
    return PyBool_FromLong(is_free);
}

/* (writer) -> errno of the last write; 0: it is on the disk; -1: it is not done. */
static PyObject *outcome(PyObject *self, PyObject *capsule)
{
    struct writer *writer = of(capsule);
    if (writer == NULL)
        return NULL;
    pthread_mutex_lock(&writer->mutex);
    int error = writer->error;
    pthread_mutex_unlock(&writer->mutex);
    return PyLong_FromLong(error);
}

/* (writer): overwrite the block with zeros when it is written. */
static PyObject *discard(PyObject *self, PyObject *capsule)
{
    struct writer *writer = of(capsule);
    if (writer == NULL)
        return NULL;
    pthread_mutex_lock(&writer->mutex);
    writer->is_discarded = 1;
    pthread_cond_signal(&writer->asked);
    pthread_mutex_unlock(&writer->mutex);
    Py_RETURN_NONE;
}

/* (writer): end the thread, after what it was asked to do. From here on every use of the writer is a ValueError. */
static PyObject *stop(PyObject *self, PyObject *capsule)
{
    struct writer *writer = of(capsule);
    if (writer == NULL)
        return NULL;
    if (PyCapsule_SetName(capsule, "stopped") < 0) /* before other threads of Python run: they would use freed memory */
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&writer->mutex);
    writer->is_ended = 1;
    pthread_cond_signal(&writer->asked);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    Py_END_ALLOW_THREADS
    PyMem_RawFree(writer);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"start", start, METH_VARARGS, "Start a writer."},
    {"begin", begin, METH_VARARGS, "Begin to write a block."},
    {"outcome", outcome, METH_O, "Return the errno of the last write."},
    {"discard", discard, METH_O, "Overwrite the block with zeros."},
    {"stop", stop, METH_O, "End the writer."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "block_writer", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_block_writer(void)
{
    return PyModule_Create(&module);
}
