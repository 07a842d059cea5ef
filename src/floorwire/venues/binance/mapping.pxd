from floorwire.venues.binance.scanned_messages cimport ScannedDepth, ScannedQuote, ScannedTrade
from floorwire.venues.common.decimals cimport epoch_us
from floorwire.venues.common.level_reader cimport LevelReader


cpdef object trade(object message, object of, LevelReader reader)
cpdef object quote(object message, object of, LevelReader reader, object now_us)
cpdef object scanned_trade(ScannedTrade message, object of, LevelReader reader)
cpdef tuple diff(object message, object of, LevelReader reader)
cpdef tuple scanned_diff(ScannedDepth message, object of, LevelReader reader)
cpdef object scanned_quote(ScannedQuote message, object of, LevelReader reader, object now_us)
