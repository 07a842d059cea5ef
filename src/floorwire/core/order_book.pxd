cimport cython


@cython.locals(price=object, size=object, key=object, before=object)
cdef object _set_levels(object sign, list keys, dict sizes, object levels, dict changed)
