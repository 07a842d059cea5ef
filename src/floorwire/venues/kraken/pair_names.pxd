cimport cython


cpdef str current_coin(str name)
@cython.locals(character=Py_UCS4, before=Py_UCS4, last=Py_UCS4, slash=Py_ssize_t, at=Py_ssize_t, is_old=bint, base=str, quote=str)
cpdef str current_pair(str name)
