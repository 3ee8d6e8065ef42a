import { appendFileSync, copyFileSync, linkSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gzipSync } from 'node:zlib'
import { type Mark, markOf, readFile } from './file.ts'
import { Tally } from './tally.ts'

/** Long enough ago that files which are made now count as written since. */
const START = Date.now() - 1_000_000
const never = new AbortController().signal

describe('a log file', () => {
  let folder: string
  let file: string
  let now: number
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-logfile-'))
    file = join(folder, 'app.log')
    now = START
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const at = (name: string): string => join(folder, name)
  /** Lines with the times of one second after the other. */
  const lines = (word: string, count: number): string => Array.from({ length: count }, () => `${new Date((now += 1_000)).toISOString()} ${word}\n`).join('')
  const write = (word: string, count: number, to = file): void => appendFileSync(to, lines(word, count))
  const mark = (): Promise<Mark> => markOf(file, now)
  const rules = new Map([['bad', (text: string) => /^(?:\S+ |  .*)?bad$/.test(text)]])
  const read = async (from: number, since?: Mark): Promise<{ bad: number; whole: boolean }> => {
    const tally = new Tally(rules, {}, from)
    const whole = await readFile(file, { from, mark: since }, tally, never)
    return { bad: tally.count('bad'), whole }
  }
  /** As a file that was last written before the change. */
  const age = (path: string): void => utimesSync(path, (START - 10_000) / 1000, (START - 10_000) / 1000)

  it('is read from the mark: what stood there before does not count (C-28)', async () => {
    write('bad', 5)
    const since = await mark()
    write('fine', 2)
    expect(await read(now, since)).toEqual({ bad: 0, whole: true })
    write('bad', 3)
    expect(await read(since.at, since)).toEqual({ bad: 3, whole: true })
  })

  it('is read from the change on: what came between preflight and the change does not count', async () => {
    write('fine', 1)
    const since = await mark()
    write('bad', 4)
    const change = now + 500
    write('bad', 2)
    expect(await read(change, since)).toEqual({ bad: 2, whole: true })
  })

  it('whose lines carry no time, or one of a clock that is wrong, is counted from the mark', async () => {
    appendFileSync(file, 'bad\nbad\n')
    const since = await mark()
    appendFileSync(file, 'bad\n')
    expect(await read(now + 60_000, since)).toEqual({ bad: 1, whole: true })
    appendFileSync(file, `${new Date(now - 7_200_000).toISOString()} bad\n`)
    expect(await read(now + 60_000, since)).toEqual({ bad: 2, whole: true })
  })

  it('is marked at the end of a line: one that is being written is read in whole', async () => {
    appendFileSync(file, 'fine\nthis is not ')
    const since = await mark()
    appendFileSync(file, 'bad\n')
    expect(await read(now, since)).toEqual({ bad: 0, whole: true })
  })

  it('is followed when it is renamed, once or more often', async () => {
    write('fine', 3)
    const since = await mark()
    write('bad', 2)
    renameSync(file, at('app.log.1'))
    write('bad', 3)
    expect(await read(since.at, since)).toEqual({ bad: 5, whole: true })
    renameSync(at('app.log.1'), at('app.log.2'))
    renameSync(file, at('app.log.1'))
    expect(await read(since.at, since)).toEqual({ bad: 5, whole: true })
    write('bad', 1)
    expect(await read(since.at, since)).toEqual({ bad: 6, whole: true })
  })

  it.each(['app.log-20260131', 'app.log.2026-01-31', 'app-2026-01-31.log', 'app.1.log', 'app.log-20260131-1769860800'])('is found by the name %s', async (name) => {
    write('fine', 1)
    const since = await mark()
    write('bad', 1)
    renameSync(file, at(name))
    write('bad', 1)
    expect(await read(since.at, since)).toEqual({ bad: 2, whole: true })
  })

  it('leaves other files alone', async () => {
    write('fine', 1)
    const since = await mark()
    for (const other of ['app.log.bak', 'app.log.err', 'other.log', 'app2.log', 'application.log.1']) write('bad', 1, at(other))
    expect(await read(since.at, since)).toEqual({ bad: 0, whole: true })
  })

  it('that a link leads to is followed to the next day', async () => {
    const link = at('current.log')
    write('fine', 1, at('app-2026-01-31.log'))
    symlinkSync(at('app-2026-01-31.log'), link)
    const since = await markOf(link, now)
    write('bad', 1, at('app-2026-01-31.log'))
    write('bad', 1, at('app-2026-02-01.log'))
    unlinkSync(link)
    symlinkSync(at('app-2026-02-01.log'), link)
    const tally = new Tally(rules, {}, since.at)
    expect(await readFile(link, { from: since.at, mark: since }, tally, never)).toBe(true)
    expect(tally.count('bad')).toBe(2)
  })

  it('that is copied and emptied is read in both', async () => {
    write('fine', 3)
    const since = await mark()
    write('bad', 1)
    copyFileSync(file, at('app.log.1'))
    truncateSync(file)
    write('bad', 2)
    expect(await read(since.at + 500, since)).toEqual({ bad: 3, whole: true })
  })

  it('that was emptied and has grown past the mark again is known by what stands before the mark', async () => {
    write('fine', 3)
    const since = await mark()
    copyFileSync(file, at('app.log.1'))
    truncateSync(file)
    write('bad', 9)
    expect(readFileSync(file).length).toBeGreaterThan(since.size)
    expect((await read(since.at + 500, since)).bad).toBe(9)
  })

  it('that was emptied, or taken away, is not whole when nothing of before is left: unseen is not quiet', async () => {
    write('fine', 3)
    const since = await mark()
    truncateSync(file)
    write('fine', 1)
    expect(await read(since.at, since)).toEqual({ bad: 0, whole: false })
    write('bad', 1)
    expect(await read(since.at, since)).toEqual({ bad: 1, whole: false })
    unlinkSync(file)
    await expect(read(since.at, since)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('whose lines carry no time is followed when it is renamed, as far as they can be told apart', async () => {
    appendFileSync(file, 'bad\n')
    const since = await mark()
    appendFileSync(file, 'bad\n')
    renameSync(file, at('app.log.1'))
    appendFileSync(file, 'bad\n')
    expect(await read(since.at, since)).toEqual({ bad: 2, whole: true })
    renameSync(at('app.log.1'), at('app.log.2'))
    renameSync(file, at('app.log.1'))
    appendFileSync(file, 'bad\n')
    // The one between may be older than the mark: its lines neither count nor can be left out.
    expect(await read(since.at, since)).toEqual({ bad: 2, whole: false })
  })

  it('with two names is read once', async () => {
    write('fine', 1)
    linkSync(file, at('app.log.1'))
    const since = await mark()
    write('bad', 1)
    expect(await read(since.at, since)).toEqual({ bad: 1, whole: true })
  })

  it('is not whole while one of its files goes away at this moment', async () => {
    write('fine', 1)
    const since = await mark()
    symlinkSync(at('gone'), at('app.log.1'))
    expect(await read(since.at, since)).toEqual({ bad: 0, whole: false })
  })

  it('that was renamed and has not begun anew yet is whole', async () => {
    write('fine', 1)
    const since = await mark()
    write('bad', 1)
    renameSync(file, at('app.log.1'))
    expect(await read(since.at, since)).toEqual({ bad: 1, whole: true })
  })

  it('that was packed since is not whole; what was packed long before does not count', async () => {
    write('fine', 1)
    writeFileSync(at('app.log.3.gz'), gzipSync('bad\n'))
    age(at('app.log.3.gz'))
    const since = await mark()
    write('bad', 1)
    expect(await read(since.at, since)).toEqual({ bad: 1, whole: true })
    writeFileSync(at('app.log.1.gz'), gzipSync(readFileSync(file)))
    unlinkSync(file)
    write('fine', 1)
    expect(await read(since.at, since)).toEqual({ bad: 0, whole: false })
  })

  it('without a mark is read by the times of its lines, and is whole when it reaches back', async () => {
    write('bad', 5)
    const from = now + 500
    expect(await read(from)).toEqual({ bad: 0, whole: true })
    write('bad', 2)
    appendFileSync(file, '  and what belongs to it, bad\n')
    expect(await read(from)).toEqual({ bad: 3, whole: true })
    expect(await read(START)).toEqual({ bad: 8, whole: false })
  })

  it('of any size is read backwards to where the time begins, not from its start', async () => {
    const many = 60_000
    appendFileSync(file, 'bad, and no time\n'.repeat(10))
    write(`bad ${'x'.repeat(60)} fine`, many)
    const from = now + 500
    write('bad', 2)
    const tally = new Tally(rules, {}, from)
    expect(await readFile(file, { from }, tally, never)).toBe(true)
    expect(tally.count('bad')).toBe(2)
    expect(tally.heard).toBeLessThan(many / 10)
  })

  it('ends when the time is over', async () => {
    write('bad', 1)
    await expect(readFile(file, { from: START }, new Tally(rules, {}, START), AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  })
})
