cimport cython


@cython.final
cdef class PriceLevel:
    cdef public object lots
    cdef readonly list _queue
    cdef Py_ssize_t _begin
    cdef readonly object _gone

    cpdef object add(self, object order)
    cpdef object first(self)
    cpdef object fill(self, object order, object lots)
    cpdef object reduce(self, object order, object lots)
    cpdef object remove(self, object order)
    cdef object _sweep(self)


@cython.final
cdef class BookSide:
    cdef public object side
    cdef public object sign
    cdef public list keys
    cdef dict _levels

    cpdef object reaches(self, object key)
    cpdef PriceLevel best(self)
    cpdef PriceLevel at(self, object price_ticks)
    cpdef object add(self, object order)
    cpdef object remove(self, object order)
    cpdef object drop_best(self)
