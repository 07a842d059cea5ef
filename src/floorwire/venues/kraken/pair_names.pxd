cimport cython


cpdef str current_coin(str name)
@cython.locals(base=str, slash=str, quote=str)
cpdef str current_pair(str name)
