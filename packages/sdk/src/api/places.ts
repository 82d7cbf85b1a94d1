/** Places: what tells where something was measured, or failed, from all other places. */
import type { Backend, Capabilities, Manifest, Placement, TaskName } from '../contract/index.js'
import { adapterName, browserName } from '../device/index.js'
import { deviceKey, endpointKey, type DeviceKeyParts } from '../router/index.js'
import { splitModelName } from '../shared/index.js'

/** Where something was measured. */
export interface MeasuredPlace {
  readonly model: string
  readonly task: TaskName
  readonly placement: Placement
  /** Of the device's placements. */
  readonly manifest?: Manifest | undefined
  readonly capabilities: Capabilities
}

/** A place on this device. */
export interface DevicePlace extends Pick<MeasuredPlace, 'model' | 'manifest' | 'capabilities'> {
  readonly placement: Extract<Placement, { engine: 'device' }>
}

export class Places {
  /** The browser and its version. */
  readonly browser = browserName()
  readonly #threads: number

  /** @param threads - WASM threads of each session */
  constructor(threads: number) {
    this.#threads = threads
  }

  /** @param ofTask - whether what is meant depends on the task, as runs do and loads do not */
  key({ placement, ...place }: MeasuredPlace, ofTask = true): string {
    const { model, task } = place
    if (placement.engine === 'remote') return endpointKey(placement.endpoint, splitModelName(model).id, task)
    return deviceKey(this.onDevice({ ...place, placement }), ofTask ? task : undefined)
  }

  onDevice({ model, manifest, placement, capabilities }: DevicePlace): DeviceKeyParts {
    const { backend, variant } = placement
    const { id = model, revision = '' } = manifest ?? {}
    const adapter = this.adapter(capabilities, backend)
    return { model: id, revision, variant, backend, adapter, browser: this.browser }
  }

  adapter(capabilities: Capabilities, backend: Backend): string {
    return adapterName(capabilities, backend, this.#threads)
  }

  /** Of all backends. */
  adapters(capabilities: Capabilities): string {
    return (['wasm', 'webgpu'] as const).map((backend) => this.adapter(capabilities, backend)).join(' ')
  }
}
