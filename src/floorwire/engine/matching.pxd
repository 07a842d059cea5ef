cimport cython

from floorwire.engine.book_side cimport PriceLevel, BookSide


@cython.final
cdef class Matching:
    cdef public BookSide bids
    cdef public BookSide asks
    cdef public object matches
    cdef public object last_ticks
    cdef object _stops
    cdef list _expiries
    cdef dict _orders

    cpdef list execute(self, object command)
    cdef list _place(self, object place)
    cdef object _match_or_rest(self, object place, BookSide against, object key, list events)
    cdef object _refusal_code(self, object place, BookSide against, object key)
    cdef object _match(self, object taker, BookSide against, object key, list events)
    cdef object _trade(self, object taker, object maker, object price_ticks, object lots)
    cdef object _rest(self, object order, list events)
    cdef BookSide _side_of(self, object order)
    cdef list _cancel(self, object order_id, object code)
