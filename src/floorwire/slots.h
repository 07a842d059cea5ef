/* Slots: reading an object's slot in compiled rooms as fast as the interpreter does in uncompiled ones.

   Cython looks an attribute's name up in the object's type each time. CPython's interpreter remembers,
   for each place in the code, which type it met there last and where that type keeps the slot; so does
   this. A type's version tag is its own, and another one (or 0) after any change to the type, so that
   what is remembered is never of another type, nor of an earlier state of this one. setup.py puts SLOT_GET
   where the name is a constant. Held by the GIL; without one nothing is remembered. */

#ifndef FLOORWIRE_SLOTS_H
#define FLOORWIRE_SLOTS_H

#include <Python.h>
#include <structmember.h>

#if defined(__GNUC__) && !defined(Py_GIL_DISABLED)

typedef struct {
    unsigned int version; /* 0: nothing is remembered */
    Py_ssize_t offset;    /* 0: that type keeps it in no slot */
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
