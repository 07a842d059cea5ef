from floorwire.venues.common.level_reader cimport LevelReader


cpdef object trade(object message, object of, LevelReader reader)
cpdef object quote(object message, object of, LevelReader reader)
cdef tuple _best(list levels, object of, LevelReader reader)
