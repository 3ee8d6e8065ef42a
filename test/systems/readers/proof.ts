import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, fitValue, writings } from '../../../src/connectors/dotenv/fit.ts'
import { readAll, type Reader } from '../../../src/connectors/dotenv/readers/index.ts'
import { files, hardValues, LINES, values } from '../../fixture/env-files.ts'

/** What the real program has after it has read a file, by key; undefined when it refuses the file. */
export type RealReading = ReadonlyMap<string, string> | undefined

/** Has the real program read each of these files by itself. The program is started as often as it has to be, and no more. */
export type RealReader = (files: readonly string[]) => Promise<readonly RealReading[]>

/** A file that the model and the real program read differently. */
interface Difference {
  readonly file: string
  readonly model: unknown
  readonly real: unknown
}

/** KEYTURN_SEED repeats a run. */
const seed = Number(process.env['KEYTURN_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Files in which a value is put: with comments, quotes, `export`, CRLF, many lines, and without an end. */
const BEFORE = [
  '', 'OTHER=1\n', '# head\n\nA=old # note\nOTHER="x y"\n', 'export A="old"\nOTHER=\'it\'\n', 'OTHER=1\r\nA=\'old\'\r\nLAST=2\r\n',
  'PEM="-----BEGIN\nA=inner\n-----END"\nA=old', 'A=1\nOTHER=2\nA="3" # twice\n', 'A = old\nOTHER: x\n',
]

/** More of them than this are not read when the model refuses them: a program that is started for each takes its time. */
const REFUSED = 100

/**
 * Holds the model of a reader to real programs by their titles, several versions or makes of it: over the lines of the table, over
 * generated files, and over generated values that are written for it. `refuses`: whether a file that the model refuses is refused by
 * the real ones as well; a shell's model refuses whatever is more than assignments.
 */
export function proveReader(reader: Reader, programs: Readonly<Record<string, RealReader>>, { refuses = true }: { readonly refuses?: boolean } = {}): void {
  const sample = <T>(what: fc.Arbitrary<T>, numRuns: number): T[] => fc.sample(what, { seed, numRuns })

  describe.each(Object.entries(programs))(`%s (seed ${seed})`, (_, real) => {
    const differences = async (texts: readonly string[]): Promise<readonly Difference[]> => {
      const readings = await real(texts)
      const found = texts.flatMap((file, at): Difference[] => {
        const difference = differenceOf(readAll(reader, file), readings[at], refuses)
        return difference === undefined ? [] : [{ file, ...difference }]
      })
      return found.toSorted((one, other) => one.file.length - other.file.length).slice(0, 5)
    }

    it('reads every line of the table as its model says', async () => {
      const texts = LINES.flatMap(([line]) => [line, `${line}\n`, `# head\n${line}\nLAST=1\n`])
      expect(await differences(texts)).toEqual([])
    })

    it('reads generated files as its model says', async () => {
      const texts = sample(files, 1_500)
      const [read, not] = [texts.filter((file) => readAll(reader, file) !== undefined), texts.filter((file) => readAll(reader, file) === undefined)]
      expect(read.length).toBeGreaterThan(300)
      expect(await differences([...read, ...not.slice(0, refuses ? REFUSED : 0)])).toEqual([])
    })

    it('reads back every value that is written for it, in every kind of file, and its neighbours (C-14)', async () => {
      const fits = sample(fc.tuple(fc.constantFrom(...BEFORE), values), 800).flatMap(([before, value]) => {
        if (readAll(reader, before) === undefined) return []
        const fit = fitValue(before, 'A', value, [reader])
        return 'text' in fit ? [{ before, value, after: decode(fit.text) }] : []
      })
      expect(fits.length).toBeGreaterThan(300)
      const [then, now] = [await real(fits.map(({ before }) => before)), await real(fits.map(({ after }) => after))]
      const wrong = fits.filter(({ value }, at) => now[at]?.get('A') !== value || !sameBeside(then[at], now[at]))
      expect(wrong.map(({ after }) => after)).toEqual([])
    })
  })

  it(`a value that is refused for ${Object.keys(programs).join(', ')} is read wrong by one of them, however it is written (seed ${seed})`, async () => {
    const refused = sample(fc.oneof(values, hardValues), 4_000).filter((value) => value.isWellFormed() && !value.includes('\0') && 'unread' in fitValue('', 'A', value, [reader])).slice(0, 60)
    expect(refused.length).toBeGreaterThan(0)
    const ways = refused.flatMap((value) => writings('', 'A', value).map((text) => ({ value, text: decode(text) })))
    const readings = await Promise.all(Object.values(programs).map((real) => real(ways.map(({ text }) => text))))
    const fine = ways.filter(({ value }, at) => readings.every((each) => each[at]?.get('A') === value && each[at]?.size === 1))
    expect(fine.map(({ text }) => text)).toEqual([])
  })
}

/** What the model is sure of has to be so, and nothing else may be there but what the model says depends on more than the file. */
function differenceOf(model: ReturnType<typeof readAll>, real: RealReading, refuses: boolean): Omit<Difference, 'file'> | undefined {
  if (model === undefined) return real === undefined || !refuses ? undefined : { model: 'refused', real: Object.fromEntries(real) }
  if (real === undefined) return { model: Object.fromEntries(model), real: 'refused' }
  const sure = Object.fromEntries([...model].filter(([, value]) => value !== null))
  const seen = Object.fromEntries([...real].filter(([key]) => model.get(key) !== null))
  const keys = new Set([...Object.keys(sure), ...Object.keys(seen)])
  return [...keys].every((key) => sure[key] === seen[key]) ? undefined : { model: sure, real: seen }
}

function sameBeside(one: RealReading, other: RealReading): boolean {
  const beside = (reading: RealReading): string => JSON.stringify([...(reading ?? [])].filter(([key]) => key !== 'A').toSorted())
  return beside(one) === beside(other)
}
