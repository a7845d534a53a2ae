// The program of the rows about preloading: it has begun.

process._rawDebug(process.hrtime.bigint());
process.exit();
