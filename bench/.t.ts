import { startServer } from '/work/main/demo/server.ts'
import { inFolder } from '/work/main/bench/engine.ts'
import { allDone, setFleet } from '/work/main/bench/fleet.ts'
const t0 = performance.now(); let last = t0
const mark = (s: string) => { const n = performance.now(); console.log(s.padEnd(20), (n - last).toFixed(0)); last = n }
const server = await startServer(); mark('server')
await inFolder(async (folder) => {
  const fleet = await setFleet(folder, server.adminUrl, 6); mark('fleet')
  for (const n of [1, 4]) {
    await fleet.open(6, 20); mark('open')
    const workers = Array.from({ length: n }, () => fleet.worker()); await fleet.release(); mark('release')
    await allDone(fleet, workers); mark('done ' + n)
    await Promise.all(workers.map((w) => w.stop())); mark('stop')
  }
  await fleet.stop(); mark('fleet stop')
})
await server.stop(); mark('server stop')
