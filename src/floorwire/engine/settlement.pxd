cimport cython

from floorwire.engine.account cimport Account
from floorwire.engine.accounts cimport Accounts
from floorwire.engine.fees cimport fee
from floorwire.engine.holds cimport held, holding
from floorwire.engine.position cimport after_fill


@cython.final
cdef class Settlement:
    cdef Accounts _accounts
    cdef object _maker_ppm
    cdef object _taker_ppm
    cdef dict _fees_of_venue

    cpdef object event(self, object report, object stamp_us)
    @cython.locals(accounts=Accounts, account=Account)
    cpdef object positions_changed(self, object name, object assets, object stamp_us)
    @cython.locals(account=Account)
    cpdef tuple holding(self, object ticket, object more)
    cpdef object ended(self, object order, object state, object code, object stamp_us)
    cdef object _changed(self, object order, object report, object stamp_us)
    cdef object _refused(self, object order, object refused, object stamp_us)
    cdef tuple _answered(self, object order, object price_ticks, object lots, object updated_us)
    @cython.locals(account=Account)
    cdef object _filled(self, object order, object report, object stamp_us)


cdef object _after_fill(
    object order, object instrument_units, object left_lots, object lots, object turnover, object credit, object stamp_us
)
cdef object _recordable(object position)
