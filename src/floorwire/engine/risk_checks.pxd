cimport cython

from floorwire.engine.account cimport Account


cpdef object reference_ticks(object ticket, object prices)
cpdef object collar_ticks(object is_buy, object best_ticks, object collar_ppm)
cpdef object check_size_and_price(
    object ticket,
    object terms,
    object bounds,
    object lots,
    object price_ticks,
    object prices,
    object waits=*,
)
cdef object _worth_ticks(object ticket, object price_ticks, object prices, object waits)
cpdef object check_open_orders(Account account, object bounds, object key)
cpdef object check_position_limit(
    Account account, object terms, object same_base, object most, object more_lots
)
