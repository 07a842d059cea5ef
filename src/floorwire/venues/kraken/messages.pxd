cimport cython

from floorwire.venues.common.plain_decimals cimport plain_decimal
from floorwire.venues.kraken.scanned_book cimport ScannedBook
from floorwire.venues.kraken.scanned_book_v2 cimport scan
from floorwire.venues.kraken.scanned_messages cimport scan_v2


cdef bint IS_COMPILED
cdef bytes BOOK


@cython.locals(scanned=ScannedBook)
cpdef object read(object data)
cpdef object decode_frame(object data)
cpdef str number(object raw)
cdef object _of_one(object messages)
cdef object _book(bint is_snapshot, object book)
cdef list _pairs_of(list levels)
