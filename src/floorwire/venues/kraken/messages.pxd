from floorwire.venues.common.plain_decimals cimport plain_decimal


cdef bytes BOOK


cpdef object read(object data)
cpdef str number(object raw)
cdef object _of_one(object messages)
cdef object _book(bint is_snapshot, object book)
cdef list _pairs_of(list levels)
