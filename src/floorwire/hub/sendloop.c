/* The loop of send() that straight.py runs over sockets, without the interpreter between two of them.

   Optional: where it could not be compiled, straight.py does the same in Python. The interpreter's lock is let
   go once for the whole loop: other threads run while the kernel copies. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

struct job { int fd; const char *data; Py_ssize_t size, taken; };

static void run(struct job *jobs, Py_ssize_t count)
{
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i++) {
        ssize_t sent = send(jobs[i].fd, jobs[i].data, (size_t)jobs[i].size, MSG_DONTWAIT | MSG_NOSIGNAL);
        jobs[i].taken = sent < 0 ? 0 : sent;  /* full or gone: whoever writes the rest finds out which */
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

/* (fds: list of descriptors, chunks: list of bytes, as many) -> [(fd, rest), ...] */
static PyObject *send_each(PyObject *self, PyObject *args)
{
    PyObject *fds, *chunks, *list = NULL;
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &fds, &PyList_Type, &chunks))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(fds);
    if (PyList_GET_SIZE(chunks) != count) {
        PyErr_SetString(PyExc_ValueError, "as many chunks as descriptors");
        return NULL;
    }
    struct job *jobs = PyMem_New(struct job, count + 1);
    if (jobs == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++) {
        char *data = NULL;
        Py_ssize_t size = 0;
        if (PyBytes_AsStringAndSize(PyList_GET_ITEM(chunks, i), &data, &size) < 0)
            break;
        jobs[i] = (struct job){(int)PyLong_AsLong(PyList_GET_ITEM(fds, i)), data, size, 0};
    }
    if (!PyErr_Occurred()) {
        run(jobs, count);
        list = rests(jobs, count);
    }
    PyMem_Free(jobs);
    return list;
}

static PyMethodDef methods[] = {
    {"send_same", send_same, METH_VARARGS, "Write the chunk to each; return who did not take it whole, and the rest."},
    {"send_each", send_each, METH_VARARGS, "Write each its chunk; return who did not take it whole, and the rest."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "sendloop", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_sendloop(void)
{
    return PyModule_Create(&module);
}
