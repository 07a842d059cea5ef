from floorwire.venues.common.decimals cimport floor_lots, plain_floor_ticks, turnover


cpdef object plain_day(object of, tuple prices, str volume, object quote_volume, object ts_us)
