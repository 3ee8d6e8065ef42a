import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that take longest, in this order; the others after them, the larger ones first. */
const LONG = ['test/matrix/matrix', 'test/demo.test', 'test/worlds/', 'test/matrix/', 'src/connectors/process/', 'test/']

/** Starts what takes long first, so that it does not run alone in the end. The same order on a machine that has no times yet. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((part) => moduleId.includes(`/${part}`))
      return at === -1 ? LONG.length : at
    }
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}
