import { describe, expect, test } from 'vitest'
import type { Point } from '../../../packages/sdk/src/contract/index.js'
import {
  boxHeight,
  boxOf,
  boxWidth,
  turnedAround,
  widened,
  type Box,
} from '../../../packages/sdk/src/tasks/image-to-text/box.js'
import { findComponents } from '../../../packages/sdk/src/tasks/image-to-text/components.js'
import { crop } from '../../../packages/sdk/src/tasks/image-to-text/crop.js'
import { detectionSize, findRects, meanInside } from '../../../packages/sdk/src/tasks/image-to-text/detect.js'
import { convexHull, minAreaRect, rectAround } from '../../../packages/sdk/src/tasks/image-to-text/min-area-rect.js'
import { resize, writePlanes, type RgbaImage } from '../../../packages/sdk/src/tasks/image-to-text/pixels.js'
import { inReadingOrder } from '../../../packages/sdk/src/tasks/image-to-text/reading-order.js'

/** A map from a drawing: `#` is 1, a digit d is d / 10, anything else 0. */
function draw(...rows: string[]): { map: Float32Array; width: number; height: number } {
  const value = (mark: string) => (mark === '#' ? 1 : /\d/.test(mark) ? Number(mark) / 10 : 0)
  return { map: Float32Array.from(rows.join(''), value), width: rows[0]?.length ?? 0, height: rows.length }
}

/** A grey picture from rows of values. */
function grey(...rows: number[][]): RgbaImage {
  const data = new Uint8ClampedArray(rows.flat().flatMap((value) => [value, value, value, 255]))
  return { width: rows[0]?.length ?? 0, height: rows.length, data }
}

const redOf = ({ data }: RgbaImage) => [...data].filter((_, i) => i % 4 === 0)
const upright = (x: number, y: number, width: number, height: number): Box => [
  [x, y],
  [x + width, y],
  [x + width, y + height],
  [x, y + height],
]
const round = (box: readonly Point[]) =>
  box.map(([x, y]) => [Math.round(x * 1e6) / 1e6 + 0, Math.round(y * 1e6) / 1e6 + 0])

describe('components', () => {
  test('pixels that touch, also at corners, are one; the rest are others', () => {
    const { map, width, height } = draw('##...', '..#..', '....#')
    expect(findComponents(map, width, height, 0.3)).toEqual([
      { top: 0, left: [0, 2], right: [2, 3] },
      { top: 2, left: [4], right: [5] },
    ])
  })

  test('a blob that grows upwards again keeps all of its rows', () => {
    const { map, width, height } = draw('#...#', '#...#', '#####')
    expect(findComponents(map, width, height, 0.3)).toEqual([{ top: 0, left: [0, 0, 0], right: [5, 5, 5] }])
  })

  test('only pixels above the threshold count', () => {
    const { map, width, height } = draw('2349')
    expect(findComponents(map, width, height, 0.35)).toEqual([{ top: 0, left: [2], right: [4] }])
  })
})

describe('the smallest rectangle', () => {
  test('around a block of pixels covers these pixels', () => {
    const rect = rectAround({ top: 3, left: [2, 2], right: [12, 12] })
    expect(rect).toEqual({ centre: [7, 4], axis: [1, 0], width: 10, height: 2 })
  })

  test('around a tilted square is tilted', () => {
    const { centre, width, height, axis } = minAreaRect(
      convexHull([
        [0, 5],
        [5, 0],
        [10, 5],
        [5, 10],
        [5, 5],
      ]),
    )
    expect(centre[0]).toBeCloseTo(5)
    expect(centre[1]).toBeCloseTo(5)
    expect([width, height].map((side) => side ** 2)).toEqual([expect.closeTo(50), expect.closeTo(50)])
    expect(axis.map(Math.abs)).toEqual([expect.closeTo(Math.SQRT1_2), expect.closeTo(Math.SQRT1_2)])
  })

  test.each([-40, -8, 0, 8, 40])('finds a rectangle again that is turned by %i degrees', (degrees) => {
    const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]
    const at = (u: number, v: number): Point => [100 + u * cos - v * sin, 50 + u * sin + v * cos]
    const rect = minAreaRect(convexHull([at(-30, -5), at(30, -5), at(30, 5), at(-30, 5), at(0, 0), at(10, 2)]))
    expect(rect.width).toBeCloseTo(60)
    expect(rect.height).toBeCloseTo(10)
    expect(rect.axis).toEqual([expect.closeTo(cos), expect.closeTo(sin)])
    expect(rect.centre).toEqual([expect.closeTo(100), expect.closeTo(50)])
  })

  test('its hull has no points on its edges', () => {
    const points: Point[] = [
      [0, 0],
      [1, 0],
      [2, 0],
      [2, 2],
      [1, 1],
      [0, 2],
    ]
    expect(convexHull(points)).toEqual([
      [0, 0],
      [2, 0],
      [2, 2],
      [0, 2],
    ])
  })
})

describe('text in a probability map', () => {
  test('is grown on all sides by area × 1.5 / perimeter', () => {
    const { map, width, height } = draw(...Array<string>(4).fill('..########..'))
    // 8 × 4 pixels: 32 × 1.5 / 24 = 2.
    expect(findRects(map, width, height)).toEqual([{ centre: [6, 2], axis: [1, 0], width: 12, height: 8 }])
  })

  test('is dropped when thinner than 3 pixels', () => {
    const { map, width, height } = draw('##########', '##########')
    expect(findRects(map, width, height)).toEqual([])
  })

  test('is dropped when its mean probability is below 0.6', () => {
    const weak = draw(...Array<string>(4).fill('55555555'))
    expect(findRects(weak.map, weak.width, weak.height)).toEqual([])
    const strong = draw(...Array<string>(4).fill('66666666'))
    expect(findRects(strong.map, strong.width, strong.height)).toHaveLength(1)
  })

  test('has the mean of the pixels whose centres lie inside', () => {
    const { map, width, height } = draw('0000', '0840', '0000')
    const rect = { centre: [2, 1.5] as const, axis: [1, 0] as const, width: 2, height: 1 }
    expect(meanInside(map, width, height, rect)).toBeCloseTo(0.6)
  })

  test('is searched in a picture of at most 960 pixels, both sides multiples of 32', () => {
    expect(detectionSize(4000, 2000)).toEqual({ width: 960, height: 480 })
    expect(detectionSize(640, 260)).toEqual({ width: 640, height: 256 })
    expect(detectionSize(1000, 3)).toEqual({ width: 960, height: 32 })
  })
})

describe('boxes', () => {
  test('start at the top left and go round in reading direction', () => {
    expect(boxOf({ centre: [5, 3], axis: [1, 0], width: 10, height: 4 })).toEqual(upright(0, 1, 10, 4))
  })

  test('of tall rectangles read downwards', () => {
    const box = boxOf({ centre: [2, 5], axis: [1, 0], width: 4, height: 10 })
    expect(box).toEqual([
      [4, 0],
      [4, 10],
      [0, 10],
      [0, 0],
    ])
    expect([boxWidth(box), boxHeight(box)]).toEqual([10, 4])
  })

  test('are tilted as their rectangle is', () => {
    const box = boxOf({ centre: [0, 0], axis: [0.8, 0.6], width: 10, height: 5 })
    expect(round(box)).toEqual([
      [-2.5, -5],
      [5.5, 1],
      [2.5, 5],
      [-5.5, -1],
    ])
  })

  test('turned around start at the opposite corner', () => {
    expect(turnedAround(upright(0, 0, 10, 4))).toEqual([
      [10, 4],
      [0, 4],
      [0, 0],
      [10, 0],
    ])
  })

  test('are widened along the line only', () => {
    expect(round(widened(upright(10, 5, 20, 4), 3))).toEqual(upright(7, 5, 26, 4))
  })
})

describe('a crop', () => {
  const picture = grey([0, 10, 20, 30], [40, 50, 60, 70], [80, 90, 100, 110])

  test('of whole pixels has these pixels', () => {
    expect(redOf(crop(picture, upright(1, 0, 2, 2), 2, 2))).toEqual([10, 20, 50, 60])
  })

  test('between pixels is interpolated', () => {
    expect(redOf(crop(picture, upright(0.5, 0, 2, 1), 2, 1))).toEqual([5, 15])
  })

  test('of a box that was turned around stands on its head', () => {
    expect(redOf(crop(picture, turnedAround(upright(1, 0, 2, 2)), 2, 2))).toEqual([60, 50, 20, 10])
  })

  test('of a line that runs downwards lies flat', () => {
    const box = boxOf({ centre: [0.5, 1.5], axis: [1, 0], width: 1, height: 3 })
    expect(redOf(crop(picture, box, 3, 1))).toEqual([0, 40, 80])
  })

  test('that shrinks averages what it covers', () => {
    expect(redOf(crop(picture, upright(0, 0, 4, 2), 2, 1))).toEqual([25, 45])
  })

  test('beyond the picture repeats its border', () => {
    expect(redOf(crop(picture, upright(-2, 0, 4, 1), 4, 1))).toEqual([0, 0, 0, 10])
  })
})

describe('pixels', () => {
  test('of a picture made smaller are averages', () => {
    const small = resize(grey([0, 0, 200, 200], [0, 0, 200, 200]), 2, 1)
    // A triangle of two pixels' reach at the border: three pixels weigh 3, 3 and 1 sevenths.
    expect([small.width, small.height]).toEqual([2, 1])
    expect(redOf(small)).toEqual([29, 171])
  })

  test('of a picture made larger lie between their neighbours', () => {
    expect(redOf(resize(grey([0, 100]), 4, 1))).toEqual([0, 25, 75, 100])
  })

  test('become planes of blue, green and red, with zeros to the right', () => {
    const image = { width: 1, height: 2, data: new Uint8ClampedArray([255, 0, 51, 255, 0, 255, 102, 255]) }
    const batch = new Float32Array(2 * 3 * 2 * 2)
    const plain = { mean: 0, deviation: 1 }
    writePlanes(batch, 1, 2, image, [{ mean: 0.2, deviation: 0.5 }, plain, plain])
    const expected = [0, 0, 0.4, 0, 0, 0, 1, 0, 1, 0, 0, 0]
    expect([...batch]).toEqual([
      ...Array<number>(12).fill(0),
      ...expected.map((value) => expect.closeTo(value) as number),
    ])
  })
})

describe('reading order', () => {
  const line = (text: string, box: Box) => ({ text, box })
  const read = (...lines: { text: string; box: Box }[]) =>
    inReadingOrder(lines)
      .map(({ text }) => text)
      .join(' ')

  test('is from top to bottom, and within a row from left to right', () => {
    const [a, b, c] = [
      line('a', upright(0, 0, 80, 10)),
      line('b', upright(100, 3, 80, 10)),
      line('c', upright(0, 20, 80, 10)),
    ]
    expect(read(c, b, a)).toBe('a b c')
  })

  test('follows the page when it lies upside down', () => {
    const turned = (text: string, y: number) => line(text, turnedAround(upright(0, y, 80, 10)))
    expect(read(turned('third', 0), turned('second', 20), turned('first', 40))).toBe('first second third')
  })

  test('stays upright when only half of the lines stand on their heads', () => {
    const turned = line('turned', turnedAround(upright(0, 20, 90, 10)))
    expect(read(turned, line('upright', upright(0, 0, 80, 10)))).toBe('upright turned')
  })

  test('of no lines is none', () => {
    expect(inReadingOrder([])).toEqual([])
  })
})
