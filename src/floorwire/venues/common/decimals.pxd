from floorwire.venues.common.plain_decimals cimport plain_decimal


cpdef object epoch_us(object number)
cpdef object rfc3339_us(str text)
cpdef object floor_ticks(object instrument, str text)
cpdef object floor_lots(object instrument, str text)
cpdef object turnover(object instrument, str text)
cpdef object plain_floor_ticks(object instrument, object plain)
cdef object _floored(object scale, str text)
cdef object _floored_plain(object decimals, object step, object plain)
