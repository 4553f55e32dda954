"""The process that makes the calls: it connects callers by telephone, calls people, and joins
people to callers. A line is one telephone connection, either to a caller or to a person. It ends
when either side hangs up, and the next connection is a new line."""
