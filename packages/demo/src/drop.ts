/** Lets files be dropped on an element. */

export function acceptDrops(place: HTMLElement, onFiles: (files: readonly File[]) => void): void {
  const hover = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    place.dataset['drop'] = 'over'
  }
  const leave = () => delete place.dataset['drop']
  const leaveForGood = ({ relatedTarget }: DragEvent) => {
    if (!(relatedTarget instanceof Node && place.contains(relatedTarget))) leave()
  }
  place.addEventListener('dragenter', hover)
  place.addEventListener('dragover', hover)
  place.addEventListener('dragleave', leaveForGood)
  place.addEventListener('drop', (event) => {
    leave()
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    onFiles(files)
  })
}
