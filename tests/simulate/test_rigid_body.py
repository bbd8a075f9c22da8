import gemmi
import numpy as np
from scipy.spatial.transform import Rotation

from mapscope.density.pose import Poses
from mapscope.simulate.rigid_body import body_of_structure, moved
from mapscope.structure import Structure
from mapscope.testing import example_noun

STRUCTURE: Structure = example_noun(Structure)


def a_pose() -> Poses:
    """Some pose."""
    turn = Rotation.from_rotvec([0.4, -0.9, 1.3]).as_matrix()
    return Poses(turn[None], np.array([[3.0, -7.0, 11.0]]))


def test_moved_structure_lies_where_the_pose_puts_its_points() -> None:
    pivot = np.array([1.0, 2.0, 3.0])
    found = moved(STRUCTURE, a_pose(), pivot)
    assert np.allclose(found.positions, a_pose().of(STRUCTURE.positions - pivot)[0])
    assert found.chains.tolist() == STRUCTURE.chains.tolist()
    assert not np.allclose(found.positions, STRUCTURE.positions)


def test_moved_structure_when_it_has_an_assembly_moves_the_whole_assembly() -> None:
    model = STRUCTURE.model.clone()
    operator = gemmi.Assembly.Operator()
    operator.transform.mat.fromlist([[-1, 0, 0], [0, -1, 0], [0, 0, 1]])
    operator.transform.vec.fromlist([4.0, 5.0, 6.0])
    generator = gemmi.Assembly.Gen()
    generator.chains = ["A"]
    generator.operators.append(operator)
    assembly = gemmi.Assembly("1")
    assembly.generators.append(generator)
    model.assemblies.append(assembly)
    start = Structure.from_gemmi(model)
    found = moved(start, a_pose(), [0.0, 0.0, 0.0])

    def copied(structure: Structure) -> np.ndarray:
        move = structure.model.assemblies[0].generators[0].operators[0].transform
        matrix, shift = np.array(move.mat.tolist()), np.array(move.vec.tolist())
        return np.asarray(structure.positions @ matrix[::-1, ::-1].T + shift[::-1])

    assert np.allclose(copied(found), a_pose().of(copied(start))[0])


def test_body_of_a_structure_has_its_centre_and_its_density_there() -> None:
    body = body_of_structure(STRUCTURE)
    assert np.allclose(body.pivot, STRUCTURE.positions.mean(axis=0))
    density = body.density(4.0)
    probe = body.probe(4.0)
    assert probe.values.min() >= 0.1 * density.data.max() - 1e-6
    assert np.linalg.norm(probe.offsets, axis=1).max() < body.reach + 5
