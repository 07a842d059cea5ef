from floorwire.venues.common.level_reader cimport LevelReader


cpdef object trade(object message, object of, LevelReader reader)
cpdef object quote(object ticker, object of, LevelReader reader, object ts_us)
cdef tuple _best(object price, object qty, object of, LevelReader reader)
