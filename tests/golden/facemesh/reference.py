"""What mediapipe 0.10.21 itself finds in pictures; run by make.py with a Python that has that package.

`python reference.py pictures.npz answers.npz`
"""

import sys

import mediapipe
import numpy as np

face_mesh, face_detection = mediapipe.solutions.face_mesh, mediapipe.solutions.face_detection
pose = mediapipe.solutions.pose


def main() -> None:
    pictures = np.load(sys.argv[1])
    answers = {}
    for name in pictures.files:
        image = pictures[name]
        size = np.array(image.shape[1::-1])
        answers[f"{name}|mesh"] = mesh(image) * size - 0.5  # its frame begins at the edge, ours at a pixel centre
        for key, selection in (("short", 0), ("full", 1)):
            places, scores = detections(image, selection)
            rows = (places * size - 0.5).reshape(-1, 16)
            answers[f"{name}|{key}"] = np.concatenate([rows, scores[:, None]], axis=1)
        answers[f"{name}|body"] = body(image) * size - 0.5
    np.savez_compressed(sys.argv[2], **answers)


def mesh(image: np.ndarray) -> np.ndarray:
    """Return normalised points (M, 468, 2) of up to four faces, each picture on its own."""
    options = {"static_image_mode": True, "max_num_faces": 4, "refine_landmarks": False}
    with face_mesh.FaceMesh(**options, min_detection_confidence=0.5) as solution:
        faces = solution.process(image).multi_face_landmarks or []
    return np.array([[[point.x, point.y] for point in face.landmark] for face in faces]).reshape(-1, 468, 2)


def body(image: np.ndarray) -> np.ndarray:
    """Return normalised points (M, 33, 2) of the one person that it answers for, or of none."""
    options = {"static_image_mode": True, "model_complexity": 1, "min_detection_confidence": 0.5}
    with pose.Pose(**options) as solution:
        landmarks = solution.process(image).pose_landmarks
    points = [] if landmarks is None else [[[point.x, point.y] for point in landmarks.landmark]]
    return np.array(points).reshape(-1, 33, 2)


def detections(image: np.ndarray, selection: int) -> tuple[np.ndarray, np.ndarray]:
    """Return normalised corners and key points (M, 8, 2), and scores (M,); 0 = short range, 1 = full range."""
    with face_detection.FaceDetection(model_selection=selection, min_detection_confidence=0.5) as solution:
        faces = solution.process(image).detections or []
    rows = []
    for data in (face.location_data for face in faces):
        box = data.relative_bounding_box
        corners = [[box.xmin, box.ymin], [box.xmin + box.width, box.ymin + box.height]]
        rows.append(corners + [[point.x, point.y] for point in data.relative_keypoints])
    return np.array(rows).reshape(-1, 8, 2), np.array([face.score[0] for face in faces])


if __name__ == "__main__":
    main()
