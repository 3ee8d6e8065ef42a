import type { TaskRequest } from '../kit/index.ts'
import type { Step } from '../plan/step.ts'

/** Whether a person's word ends the step. Where it has to bring a credential only that does; else it is attempted again. */
export function isDoneBy(step: Step, task: TaskRequest | undefined): boolean {
  if (task?.kind === 'prepare' || step.do === 'preflight') return false
  return task?.kind === 'mint' || (step.do !== 'mint' && step.do !== 'collect')
}

/** How long after it was asked a task should be done, unless it says so itself. */
const TASK_DUE_MS = 86_400_000

/** How long after it was asked this one should be done. */
export function dueOf(task: TaskRequest): number {
  return task.due ?? TASK_DUE_MS
}
