/* Reads an object's slots in compiled code as fast as the interpreter does in sources.

   Cython looks up an attribute's name in the object's type each time. CPython's interpreter has a cache for
   each place in the code: the type that it met there last, and where that type keeps the slot. This is the
   same cache. Each type has a version tag of its own, which changes (or becomes 0) with any change to the
   type. So a cached offset is never used for another type, or for an earlier state of the same type.
   setup.py puts SLOT_GET where the name is a constant. The GIL protects the cache; without a GIL there is
   no cache. */

#ifndef FLOORWIRE_SLOTS_H
#define FLOORWIRE_SLOTS_H

#include <Python.h>
#include <structmember.h>

#if defined(__GNUC__) && !defined(Py_GIL_DISABLED)

typedef struct {
    unsigned int version; /* 0: the cache is empty */
    Py_ssize_t offset;    /* 0: that type has no such slot */
} floorwire_slot;

static PyObject *floorwire_slot_learn(PyObject *object, PyObject *name, floorwire_slot *slot)
{
    PyTypeObject *type = Py_TYPE(object);
    if (type->tp_getattro == PyObject_GenericGetAttr) {
        PyObject *found = _PyType_Lookup(type, name); /* borrowed; gives the type its version tag */
        slot->offset = 0;
        slot->version = type->tp_version_tag;
        if (found != NULL && Py_TYPE(found) == &PyMemberDescr_Type
            && PyType_IsSubtype(type, PyDescr_TYPE(found))) {
            PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
            if (member->type == T_OBJECT_EX && !(member->flags & ~READONLY))
                slot->offset = member->offset;
        }
    }
    return PyObject_GetAttr(object, name);
}

static inline PyObject *floorwire_slot_get(PyObject *object, PyObject *name, floorwire_slot *slot)
{
    unsigned int version = Py_TYPE(object)->tp_version_tag;
    if (version == 0 || version != slot->version)
        return floorwire_slot_learn(object, name, slot);
    if (slot->offset) {
        PyObject *value = *(PyObject **)((char *)object + slot->offset);
        if (value != NULL)
            return Py_NewRef(value);
    }
    return PyObject_GetAttr(object, name);
}

#define SLOT_GET(object, name) \
    ({ static floorwire_slot here; floorwire_slot_get((object), (name), &here); })

#else
#define SLOT_GET(object, name) PyObject_GetAttr((object), (name))
#endif

#endif
