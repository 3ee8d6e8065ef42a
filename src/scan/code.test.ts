import { describe, expect, it } from 'vitest'
import { isCode, scanCode } from './code.ts'

const found = (file: string, text: string) => scanCode(file, text).reads.map(({ key, seen }) => `${key}:${seen.line}`)

it.each([
  ['a.ts', "process.env.A\nprocess.env['B']; process.env[\"C\"]\nprocess.env?.D ?? import.meta.env.E\nDeno.env.get('F') + Bun.env.G", ['A:1', 'B:2', 'C:2', 'D:3', 'E:3', 'F:4', 'G:4']],
  ['a.mjs', "const {\n  A,\n  B: b,\n  C = 'x',\n  ...rest\n} = process.env", ['A:2', 'B:3', 'C:4']],
  ['a.py', "os.getenv(\"A\")\nos.environ['B']\nos.environ.get('C', 'x')\nenviron[\"D\"]\nenv.str('E')\nconfig('F')", ['A:1', 'B:2', 'C:3', 'D:4', 'E:5', 'F:6']],
  ['a.go', 'os.Getenv("A")\nv, ok := os.LookupEnv(`B`)', ['A:1', 'B:2']],
  ['a.rb', "ENV['A']\nENV.fetch(\"B\", nil)", ['A:1', 'B:2']],
  ['a.rs', 'std::env::var("A")?\nenv::var_os("B")\nenv!("C")', ['A:1', 'B:2', 'C:3']],
  ['A.java', 'System.getenv("A");\nSystem.getenv().get("B");', ['A:1', 'B:2']],
  ['a.kt', 'System.getenv("A")', ['A:1']],
  ['a.php', "getenv('A'); $_ENV['B'];\nenv(\"C\")", ['A:1', 'B:1', 'C:2']],
  ['a.cs', 'Environment.GetEnvironmentVariable("A")', ['A:1']],
  ['a.exs', 'System.fetch_env!("A")\nSystem.get_env("B")', ['A:1', 'B:2']],
])('variables of the environment in %s', (file, text, expected) => {
  expect(found(file, text)).toEqual(expected)
})

describe('what is not seen', () => {
  it('is what only looks like it', () => {
    expect(found('a.ts', "process.environment.A; env['B']; process.env[name]; `${process.env}`")).toEqual([])
    expect(found('a.go', 'Getenv("A")')).toEqual([])
  })

  it('is other files, and bundles', () => {
    expect(['a.md', 'a.json', 'app.min.js', 'Makefile', 'a.test.ts', 'a_test.go', 'test_a.py', 'test/a.rb', 'api/__tests__/a.js'].filter(isCode)).toEqual([])
    expect(['a.ts', 'b/c.py', 'D.java', 'latest.ts', 'contest/a.go'].filter(isCode)).toHaveLength(5)
  })
})

it('one variable in one line is one read', () => {
  expect(found('a.js', 'process.env.A || process.env.A\nprocess.env.A')).toEqual(['A:1', 'A:2'])
})
