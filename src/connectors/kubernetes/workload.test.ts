import { describe, expect, it } from 'vitest'
import { isComplete, selectorOf, standingOf, workloadSchema } from './workload.ts'

const workload = (spec: object, status: object) => workloadSchema.parse({ metadata: { uid: 'u', generation: 3 }, spec: { selector: {}, template: { spec: {} }, ...spec }, status })
const full = { observedGeneration: 3, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }

describe('a rollout is complete', () => {
  it.each([
    ['not before the controller has seen the change', { ...full, observedGeneration: 2 }, false],
    ['not while one of the old ones is there', { ...full, replicas: 3 }, false],
    ['not while one of the new ones is missing', { ...full, replicas: 1, updatedReplicas: 1 }, false],
    ['not while one of the new ones is not available', { ...full, availableReplicas: 1 }, false],
    ['when all are new and available', full, true],
  ])('%s', (_, status, complete) => {
    expect(isComplete(standingOf('Deployment', workload({ replicas: 2 }, status)))).toBe(complete)
  })

  it('without those that a person answers for', () => {
    const standing = standingOf('Deployment', workload({ replicas: 2 }, { ...full, availableReplicas: 1 }))
    expect([isComplete(standing), isComplete(standing, 1)]).toEqual([false, true])
  })

  it('of a StatefulSet when its revision is the one of now, of a DaemonSet when that is so on every node', () => {
    expect(isComplete(standingOf('StatefulSet', workload({ replicas: 2 }, { ...full, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' })))).toBe(false)
    expect(isComplete(standingOf('StatefulSet', workload({ replicas: 2 }, { ...full, currentRevision: 'b', updateRevision: 'b' })))).toBe(true)
    const nodes = { observedGeneration: 3, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 }
    expect(isComplete(standingOf('DaemonSet', workload({}, nodes)))).toBe(true)
    expect(isComplete(standingOf('DaemonSet', workload({}, { ...nodes, updatedNumberScheduled: 1 })))).toBe(false)
  })
})

describe('a selector', () => {
  it('is asked for as queries have it', () => {
    const matchExpressions = [{ key: 'tier', operator: 'In', values: ['a', 'b'] }, { key: 'old', operator: 'DoesNotExist' }, { key: 'x', operator: 'NotIn', values: ['y'] }, { key: 'z', operator: 'Exists' }]
    expect(selectorOf(workload({ selector: { matchLabels: { app: 'web' }, matchExpressions } }, {}))).toBe('app=web,tier in (a,b),!old,x notin (y),z')
  })
})
