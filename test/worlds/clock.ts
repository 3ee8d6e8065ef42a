// Loaded into the CLI before its own code (`node --import`): its clock differs by WORLDS_CLOCK milliseconds from everybody's.

const by = Number(process.env['WORLDS_CLOCK'] ?? 0)
const real = Date.now
Date.now = () => real() + by
