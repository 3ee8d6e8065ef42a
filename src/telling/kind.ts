/** Every kind of notice, and when it is told. A closed list: routes name them, and receivers sort by them. */
export const KINDS = {
  'rotation-opened': 'a rotation has begun',
  'rotation-done': 'a rotation is done: the new credential is in use, the old one is dead',
  'rotation-paused': 'a rotation stands still until a person looks at it; again each day',
  'rotation-resumed': 'a person has it go on',
  'rotation-held': 'the old credential has not been ended for an hour, since it may still be in use, or a provider takes as long; again each day',
  'rotation-turned': 'a rotation begins to go back',
  'rotation-superseded': 'an emergency took the place of a rotation',
  'emergency-opened': 'a secret is taken for compromised, and everything live of it is being ended',
  'rotation-rolled-back': 'a rotation went back: the old credential is in use again',
  'rotation-refused': 'a rotation ended before anything was changed',
  'rotation-left': 'an open rotation is due and nobody goes on with it; each day',
  'rotation-unbegun': 'the schedule wants a rotation, and it cannot begin; each day',
  'task-asked': 'a person is asked to do something',
  'task-reminded': 'what was asked is not done in time; again after each such time',
  'task-answered': 'a person did what was asked',
  'task-declined': 'a person will not do what was asked',
  'impact-ahead': 'users will feel a rotation: told as long before as the manifest says',
  'impact-begun': 'users begin to feel a rotation',
  'secret-due': 'a secret that does not begin by itself is due within a week',
  'secret-overdue': 'the time of a secret is over; again each week',
  'secret-expiring': 'a credential that nothing replaces by itself before expires within a month: told 30, 14, 7, 3 days and one day before',
  'secret-expired': 'the credential in use has expired; each day',
  'secret-compromised': 'somebody marked the credential in use as compromised; each day until it is replaced',
  'notice-tested': 'somebody tries a notifier',
} as const

export type Kind = keyof typeof KINDS
