cpdef object held(
    object ticket,
    object terms,
    object price_ticks,
    object left_lots,
    object spent,
    object fee_ppm,
    object credit,
)
cpdef object holding(dict balances, object terms, object side, object more)
